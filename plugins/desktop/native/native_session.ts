/**
 * A desktop of our own making, driven through the X protocol.
 *
 * @module
 */
import type { Clock, Variables } from "../../../core/plugin.ts";
import type { Button, Capture, DesktopSession, Point } from "../driver.ts";
import { type Picture, pictureOf, resized, type Size } from "../image/picture.ts";
import { parseKeys } from "../keysyms.ts";
import { Turns } from "../turns.ts";
import type { Display } from "../x11/display.ts";
import type { Keyboard } from "./keyboard.ts";

/** What a session is made of. */
export interface NativeSessionParts {
  readonly display: Display;
  readonly keyboard: Keyboard;
  readonly number: number;
  readonly environment: Variables;
  readonly vncSocket: string;
  readonly clock: Pick<Clock, "sleep">;
  readonly weakness?: string;
  readonly ended: Promise<string>;
  /** Ends the programs and removes their files. */
  readonly close: () => Promise<void>;
}

/** Numbers of the buttons in the X protocol. */
const BUTTON_NUMBERS: Readonly<Record<Button, number>> = { left: 1, middle: 2, right: 3 };
/** Each notch of a wheel is a click of one of these. */
const WHEEL = { up: 4, down: 5, left: 6, right: 7 } as const;
/** Stops of the pointer on the way of a drag, and time at each, in milliseconds: programs tell a drag from a click by them. */
const DRAG = { stops: 12, stopMs: 8 } as const;

/**
 * Longest wait for a release to be taken in, and time between two looks, in milliseconds. A window manager holds the pointer
 * still while it raises the window that was clicked; what is done meanwhile would be joined to the click.
 */
const SETTLE = { longestMs: 1000, lookMs: 2 } as const;
/** Bit of button 1 in the pointer's mask; those of buttons 2 to 5 follow. */
const FIRST_BUTTON_BIT = 8;

/** Implements {@linkcode DesktopSession} on a display. */
export class NativeSession implements DesktopSession {
  readonly driver = "native";
  readonly #parts: NativeSessionParts;
  readonly #captures = new Turns(Infinity);
  readonly #heldButtons = new Set<number>();
  #isLost = false;

  constructor(parts: NativeSessionParts) {
    this.#parts = parts;
    parts.display.closed.then(() => this.#isLost = true);
  }

  /** The connection to the server ends before the server's process is seen to. */
  get isLost(): boolean {
    return this.#isLost;
  }

  get display(): number {
    return this.#parts.number;
  }

  get size(): Size {
    return this.#parts.display.size;
  }

  get environment(): Variables {
    return this.#parts.environment;
  }

  get weakness(): string | undefined {
    return this.#parts.weakness;
  }

  get ended(): Promise<string> {
    return this.#parts.ended;
  }

  connectVnc(): Promise<Deno.Conn> {
    return Deno.connect({ transport: "unix", path: this.#parts.vncSocket });
  }

  /** One after the other: a large picture takes hundreds of megabytes on its way. */
  capture({ region, target }: Capture, signal: AbortSignal): Promise<Picture> {
    return this.#captures.take(async () => {
      signal.throwIfAborted();
      const { display } = this.#parts;
      const area = region ?? { x: 0, y: 0, ...display.size };
      const { width, height } = area;
      const picture = await pictureOf(await display.pixels(area), { width, height }, display.depth, signal);
      return target === undefined ? picture : await resized(picture, target, signal);
    });
  }

  async move(at: Point): Promise<void> {
    this.#parts.display.move(at);
    await this.#parts.display.sync();
  }

  async click(at: Point, button: Button, times: number, signal: AbortSignal): Promise<void> {
    await this.move(at);
    for (let count = 0; count < times; count++) {
      signal.throwIfAborted();
      await this.#clickButton(BUTTON_NUMBERS[button]);
    }
  }

  async buttonDown(button: Button): Promise<void> {
    await this.#press(BUTTON_NUMBERS[button], true);
  }

  async buttonUp(button: Button): Promise<void> {
    await this.#press(BUTTON_NUMBERS[button], false);
  }

  async scroll(at: Point, dx: number, dy: number, signal: AbortSignal): Promise<void> {
    await this.move(at);
    for (const [notches, forward, back] of [[dx, WHEEL.right, WHEEL.left], [dy, WHEEL.down, WHEEL.up]] as const) {
      for (let count = 0; count < Math.abs(notches); count++) {
        signal.throwIfAborted();
        await this.#clickButton(notches > 0 ? forward : back);
      }
    }
  }

  async drag(from: Point, to: Point, signal: AbortSignal): Promise<void> {
    await this.move(from);
    signal.throwIfAborted();
    await this.#press(BUTTON_NUMBERS.left, true);
    try {
      for (let stop = 1; stop <= DRAG.stops; stop++) {
        await this.#parts.clock.sleep(DRAG.stopMs, signal);
        await this.move(between(from, to, stop / DRAG.stops));
      }
    } finally {
      await this.#press(BUTTON_NUMBERS.left, false);
    }
  }

  async keyPress(keys: string, signal: AbortSignal): Promise<void> {
    for (const keysyms of parseKeys(keys)) {
      signal.throwIfAborted();
      await this.#parts.keyboard.tap(keysyms, signal);
    }
  }

  async keyDown(keys: string, signal: AbortSignal): Promise<void> {
    await this.#parts.keyboard.down(parseKeys(keys).flat(), signal);
  }

  async keyUp(keys: string): Promise<void> {
    await this.#parts.keyboard.up(parseKeys(keys).flat());
  }

  async type(text: string, signal: AbortSignal): Promise<void> {
    await this.#parts.keyboard.type(text, signal);
  }

  async cursorPosition(): Promise<Point> {
    const { x, y } = await this.#parts.display.pointer();
    return { x, y };
  }

  async releaseAll(): Promise<void> {
    for (const button of [...this.#heldButtons]) await this.#press(button, false);
    await this.#parts.keyboard.releaseAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.close();
  }

  async #clickButton(button: number): Promise<void> {
    const { display } = this.#parts;
    display.button(button, true);
    display.button(button, false);
    await this.#released(button);
  }

  async #press(button: number, isDown: boolean): Promise<void> {
    if (isDown) this.#heldButtons.add(button);
    else this.#heldButtons.delete(button);
    this.#parts.display.button(button, isDown);
    if (isDown) await this.#parts.display.sync();
    else await this.#released(button);
  }

  async #released(button: number): Promise<void> {
    const { display, clock } = this.#parts;
    const bit = button <= 5 ? 1 << FIRST_BUTTON_BIT + button - 1 : 0; // The protocol tells of five buttons.
    for (let waited = 0; waited < SETTLE.longestMs; waited += SETTLE.lookMs) {
      if (((await display.pointer()).mask & bit) === 0) return;
      await clock.sleep(SETTLE.lookMs);
    }
  }
}

function between(from: Point, to: Point, part: number): Point {
  return { x: Math.round(from.x + (to.x - from.x) * part), y: Math.round(from.y + (to.y - from.y) * part) };
}
