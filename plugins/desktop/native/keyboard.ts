/**
 * Presses keys by what they produce, whatever the keyboard's layout.
 *
 * A character that no key produces gets a spare key for as long as there are enough of them. That is what makes text in any
 * script arrive: a key that is given a new meaning while programs still have its old press before them would be read as the
 * new one, so a meaning is taken away as late as possible, and not before the programs had time to read.
 *
 * @module
 */
import { elapsedOn } from "../../../core/clock.ts";
import type { Clock } from "../../../core/plugin.ts";
import { keysymOfCharacter } from "../keysyms.ts";
import type { Display, KeyMap } from "../x11/display.ts";

/** A key, and the key of Shift where that has to be held for what is wanted. */
interface Stroke {
  readonly keycode: number;
  readonly shift?: number;
}

/** Keysyms that multimedia keys produce: keys that a virtual desktop can do without, and lends to characters. */
const VENDOR_KEYSYMS = { first: 0x10080000, last: 0x1008ffff } as const;
const SHIFT_L = 0xffe1;
const CAPS_LOCK = 0xffe5;
const LOCK_MASK = 1 << 1;
/** Keys sent between two looks at whether to go on; the server has done them all before the next ones follow. */
const STROKES_AT_ONCE = 32;
/** Time programs get to fetch a changed map before a changed key is pressed, in milliseconds: GTK and Qt fetch it lazily. */
const MAP_SETTLE_MS = 20;
/** Time programs get to read what was typed before one of its keys means something else, in milliseconds. */
const REUSE_SETTLE_MS = 2000;
/** What one key can produce: something without Shift, and something with it. */
const LEVELS = 2;

/** The keyboard of one display. Its methods must not run at the same time. */
export class Keyboard {
  readonly #display: Display;
  readonly #clock: Clock;
  readonly #held = new Set<number>();
  /** What is lent, by place (keycode and level), least recently used first. */
  readonly #lent = new Map<number, Loan>();
  #layout: Layout | undefined;

  constructor(display: Display, clock: Clock) {
    this.#display = display;
    this.#clock = clock;
    display.onKeyMapChange = () => this.#layout = undefined;
  }

  /** Presses keys together and lets them go in reverse order. @throws The signal's reason, before the first is pressed. */
  async tap(keysyms: readonly number[], signal?: AbortSignal): Promise<void> {
    const strokes = await this.#strokes(keysyms);
    signal?.throwIfAborted();
    for (const stroke of strokes) this.#press(stroke);
    for (const stroke of strokes.toReversed()) this.#release(stroke);
    await this.#display.sync();
  }

  /** Presses keys together and leaves them so. @throws The signal's reason, before the first is pressed. */
  async down(keysyms: readonly number[], signal: AbortSignal): Promise<void> {
    const strokes = await this.#strokes(keysyms);
    // Whoever took the desktop while keys were looked for has had everything let go already.
    signal.throwIfAborted();
    for (const stroke of strokes) this.#press(stroke);
    await this.#display.sync();
  }

  /** Lets keys go. */
  async up(keysyms: readonly number[]): Promise<void> {
    for (const stroke of (await this.#strokes(keysyms)).toReversed()) this.#release(stroke);
    await this.#display.sync();
  }

  /**
   * Types a text. A line feed, with or without a carriage return, is the Return key.
   *
   * @throws {UnknownKeyError} Before anything was typed, for a character that no key can stand for.
   * @throws The signal's reason, between two keys.
   */
  async type(text: string, signal: AbortSignal): Promise<void> {
    const keysyms = Array.from(text.replaceAll("\r\n", "\n"), keysymOfCharacter);
    const isLocked = ((await this.#display.pointer()).mask & LOCK_MASK) !== 0;
    if (isLocked) await this.tap([CAPS_LOCK]);
    try {
      for (let at = 0; at < keysyms.length;) {
        const batch = await this.#fitting(keysyms.slice(at));
        await this.#typeStrokes(await this.#strokes(batch), signal);
        at += batch.length;
      }
    } finally {
      if (isLocked) await this.tap([CAPS_LOCK]);
    }
  }

  /** Lets everything go that was pressed and not let go. */
  async releaseAll(): Promise<void> {
    if (this.#held.size === 0) return;
    for (const keycode of this.#held) this.#display.key(keycode, false);
    this.#held.clear();
    await this.#display.sync();
  }

  async #typeStrokes(strokes: readonly Stroke[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < strokes.length; at += STROKES_AT_ONCE) {
      signal.throwIfAborted();
      for (const stroke of strokes.slice(at, at + STROKES_AT_ONCE)) {
        this.#press(stroke);
        this.#release(stroke);
      }
      await this.#display.sync();
    }
  }

  #press({ keycode, shift }: Stroke): void {
    for (const code of shift === undefined ? [keycode] : [shift, keycode]) {
      this.#display.key(code, true);
      this.#held.add(code);
    }
  }

  #release({ keycode, shift }: Stroke): void {
    for (const code of shift === undefined ? [keycode] : [keycode, shift]) {
      this.#display.key(code, false);
      this.#held.delete(code);
    }
  }

  /** As many of the first keysyms as there are keys for at the same time. */
  async #fitting(keysyms: readonly number[]): Promise<readonly number[]> {
    const { strokes, spare } = await this.#currentLayout();
    const lacking = new Set<number>();
    for (const [index, keysym] of keysyms.entries()) {
      if (strokes.has(keysym) && !this.#isLent(keysym)) continue;
      lacking.add(keysym);
      if (lacking.size > spare.length * LEVELS) return keysyms.slice(0, index);
    }
    return keysyms;
  }

  /** Finds a key for each keysym, and lends spare ones to those without. */
  async #strokes(keysyms: readonly number[]): Promise<Stroke[]> {
    await this.#display.sync(); // What other programs changed has been told then.
    let layout = await this.#currentLayout();
    const lacking = [...new Set(keysyms)].filter((keysym) => !layout.strokes.has(keysym));
    if (lacking.length > 0) {
      await this.#lend(lacking, new Set(keysyms), layout);
      layout = await this.#currentLayout();
    }
    return keysyms.map((keysym) => {
      const stroke = layout.strokes.get(keysym);
      if (stroke === undefined) throw new Error(`Cannot find a key for the keysym 0x${keysym.toString(16)}`);
      this.#touch(stroke);
      return stroke;
    });
  }

  async #lend(lacking: readonly number[], inUse: ReadonlySet<number>, { spare }: Layout): Promise<void> {
    const places = spare.flatMap((keycode) => [keycode * LEVELS, keycode * LEVELS + 1]);
    const free = places.filter((place) => !this.#lent.has(place));
    const old = [...this.#lent].filter(([, { keysym }]) => !inUse.has(keysym)).map(([place]) => place);
    const chosen = [...free, ...old].slice(0, lacking.length);
    if (chosen.length < lacking.length) {
      throw new Error(`Cannot press ${inUse.size} keys together: there are ${places.length} places for them`);
    }
    const lastUse = Math.max(-Infinity, ...chosen.map((place) => this.#lent.get(place)?.usedAt ?? -Infinity));
    const wait = lastUse + REUSE_SETTLE_MS - elapsedOn(this.#clock);
    if (wait > 0) await this.#clock.sleep(wait);
    for (const [index, place] of chosen.entries()) {
      this.#lent.set(place, { keysym: lacking[index]!, usedAt: -Infinity });
    }
    for (const keycode of new Set(chosen.map(keycodeOf))) {
      // A key that produces one keysym only would be taken for a pair of cases.
      const levels = [0, 1].map((level) => this.#lent.get(keycode * LEVELS + level)?.keysym);
      this.#display.setKey(keycode, levels[0] ?? levels[1]!, levels[1] ?? levels[0]!);
    }
    this.#layout = undefined;
    await this.#display.sync();
    await this.#clock.sleep(MAP_SETTLE_MS);
  }

  async #currentLayout(): Promise<Layout> {
    if (this.#layout !== undefined) return this.#layout;
    const map = await this.#display.keyMap();
    for (const [place, { keysym }] of this.#lent) {
      const there = map.keysyms[(keycodeOf(place) - map.first) * map.width + place % LEVELS];
      if (there !== keysym) this.#lent.delete(place); // Another layout was set.
    }
    return this.#layout = layoutOf(map, new Set(this.#lent.keys().map(keycodeOf)));
  }

  #isLent(keysym: number): boolean {
    return this.#lent.values().some((loan) => loan.keysym === keysym);
  }

  #touch({ keycode, shift }: Stroke): void {
    const place = keycode * LEVELS + (shift === undefined ? 0 : 1);
    const loan = this.#lent.get(place);
    if (loan === undefined) return;
    this.#lent.delete(place);
    this.#lent.set(place, { ...loan, usedAt: elapsedOn(this.#clock) });
  }
}

/** A keysym on a spare key. */
interface Loan {
  readonly keysym: number;
  /** Milliseconds of the clock that runs evenly. */
  readonly usedAt: number;
}

function keycodeOf(place: number): number {
  return Math.floor(place / LEVELS);
}

/** What the keys produce, turned around. */
interface Layout {
  readonly strokes: ReadonlyMap<number, Stroke>;
  /** Keys that may be lent, or are. */
  readonly spare: readonly number[];
}

function layoutOf({ first, width, keysyms }: KeyMap, lent: ReadonlySet<number>): Layout {
  const shift = first + Math.max(0, Math.floor(keysyms.indexOf(SHIFT_L) / width));
  const strokes = new Map<number, Stroke>();
  const spare: number[] = [];
  for (let at = 0; at < keysyms.length; at += width) {
    const keycode = first + at / width;
    const own = keysyms.subarray(at, at + width);
    const isSpare = own.every((keysym) => keysym === 0 || isVendor(keysym)) || lent.has(keycode);
    if (isSpare) spare.push(keycode);
    if (isSpare && !lent.has(keycode)) continue;
    for (const [column, keysym] of own.subarray(0, 2).entries()) {
      if (keysym === 0 || strokes.has(keysym)) continue;
      strokes.set(keysym, column === 0 ? { keycode } : { keycode, shift });
    }
  }
  return { strokes, spare };
}

function isVendor(keysym: number): boolean {
  return keysym >= VENDOR_KEYSYMS.first && keysym <= VENDOR_KEYSYMS.last;
}
