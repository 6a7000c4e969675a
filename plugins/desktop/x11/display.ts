/**
 * A display as its driver sees it: pointer, keys, pixels, properties.
 *
 * @module
 */
import type { X11Connection } from "./connection.ts";
import { x11Request } from "./wire.ts";

/** A position on the screen, in pixels from its upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}
/** A part of the screen. */
export interface Rectangle extends Point {
  readonly width: number;
  readonly height: number;
}
/** Where the pointer is and what is pressed. */
export interface PointerState extends Point {
  /** Modifiers in the low byte (Shift is bit 0, Lock bit 1, Control bit 2), buttons 1 to 5 from bit 8 on. */
  readonly mask: number;
}
/** What every key produces: `width` keysyms for each keycode from `first` on; 0 where there is none. */
export interface KeyMap {
  readonly first: number;
  readonly width: number;
  readonly keysyms: Uint32Array;
}

/** Kinds of events, as `FakeInput` and the server number them. */
const EVENT = { keyPress: 2, keyRelease: 3, buttonPress: 4, buttonRelease: 5, motion: 6 } as const;
const PROPERTY_NOTIFY = 28;
const CONFIGURE_NOTIFY = 22;
const MAPPING_NOTIFY = 34;
const ON_PROPERTY_CHANGE = 1 << 22;
const ON_STRUCTURE_CHANGE = 1 << 17;
const BACK_PIXEL = 1 << 1;
const EVENT_MASK = 1 << 11;
const Z_PIXMAP = 2;
const ALL_PLANES = 0xffffffff;

/** Drives a screen through the core protocol and its extension XTEST. */
export class Display implements Disposable {
  readonly #x: X11Connection;
  readonly #testOpcode: number;
  readonly #propertyWatchers = new Set<(atom: number) => void>();
  #size: { readonly width: number; readonly height: number };
  /** Called when some program changed what keys produce; also after this display's own changes. */
  onKeyMapChange: () => void = () => {};

  private constructor(connection: X11Connection, testOpcode: number) {
    this.#x = connection;
    this.#testOpcode = testOpcode;
    this.#size = connection.screen;
    connection.onEvent = (type, event) => this.#take(type, event);
  }

  /** @param connection Belongs to the display from then on. @throws {Error} When the server lacks XTEST. */
  static async on(connection: X11Connection, background: number): Promise<Display> {
    const name = new TextEncoder().encode("XTEST");
    const found = await connection.request(
      x11Request(98, 0, ["u16", name.byteLength], ["pad", 2], ["bytes", name]),
    );
    if (found.getUint8(8) === 0) throw new Error("The X server lacks the extension XTEST");
    const display = new Display(connection, found.getUint8(9));
    await display.#prepareRoot(background);
    return display;
  }

  /** Size of the screen now, in pixels. */
  get size(): { readonly width: number; readonly height: number } {
    return this.#size;
  }

  /** Bits per pixel that carry colour. */
  get depth(): number {
    return this.#x.screen.depth;
  }

  /** Resolves when the connection has ended. */
  get closed(): Promise<void> {
    return this.#x.closed;
  }

  /** Moves the pointer. Takes effect in the order of the calls; {@linkcode Display.sync} waits for it. */
  move({ x, y }: Point): void {
    this.#fake(EVENT.motion, 0, { x, y });
  }

  /** Presses or releases a button, 1 (left) to 9. */
  button(button: number, isDown: boolean): void {
    this.#fake(isDown ? EVENT.buttonPress : EVENT.buttonRelease, button);
  }

  /** Presses or releases a key by its keycode. */
  key(keycode: number, isDown: boolean): void {
    this.#fake(isDown ? EVENT.keyPress : EVENT.keyRelease, keycode);
  }

  /** Resolves when the server has done what was asked for so far. */
  sync(): Promise<void> {
    return this.#x.sync();
  }

  /** Where the pointer is. */
  async pointer(): Promise<PointerState> {
    const reply = await this.#x.request(x11Request(38, 0, ["u32", this.#x.screen.root]));
    return { x: reply.getInt16(16, true), y: reply.getInt16(18, true), mask: reply.getUint16(24, true) };
  }

  /** Pixels of a part of the screen, rows from the top: four bytes each at depth 24 (blue, green, red, unused), two at 16. */
  async pixels({ x, y, width, height }: Rectangle): Promise<Uint8Array<ArrayBuffer>> {
    const reply = await this.#x.request(
      x11Request(
        73,
        Z_PIXMAP,
        ...[["u32", this.#x.screen.root], ["i16", x], ["i16", y]] as const,
        ...[["u16", width], ["u16", height], ["u32", ALL_PLANES]] as const,
      ),
    );
    return new Uint8Array(reply.buffer, 32);
  }

  /** What keys produce now. */
  async keyMap(): Promise<KeyMap> {
    const { minKeycode: first, maxKeycode } = this.#x.screen;
    const reply = await this.#x.request(x11Request(101, 0, ["u8", first], ["u8", maxKeycode - first + 1], ["pad", 2]));
    return { first, width: reply.getUint8(1), keysyms: new Uint32Array(reply.buffer, 32) };
  }

  /** Lets a key produce one keysym without Shift and one with it. */
  setKey(keycode: number, plain: number, shifted: number): void {
    this.#x.send(x11Request(100, 1, ["u8", keycode], ["u8", 2], ["pad", 2], ["u32", plain], ["u32", shifted]));
  }

  /** Sets a property of the root window, of which every program is told that asked to be. */
  async setRootProperty(name: string): Promise<void> {
    const [atom, replace, string] = [await this.#atom(name), 0, 31];
    this.#x.send(
      x11Request(
        18,
        replace,
        ...[["u32", this.#x.screen.root], ["u32", atom], ["u32", string], ["u8", 8], ["pad", 3]] as const,
        ["u32", 0],
      ),
    );
    await this.#x.sync();
  }

  /** Resolves when the root window has a property, which is how a window manager says that it runs. */
  async untilProperty(name: string, signal: AbortSignal): Promise<void> {
    const wanted = await this.#atom(name);
    const seen = Promise.withResolvers<void>();
    seen.promise.catch(() => {}); // Told below, unless the question itself fails first.
    const watcher = (atom: number) => atom === wanted && seen.resolve();
    const abort = () => seen.reject(signal.reason);
    this.#propertyWatchers.add(watcher);
    signal.addEventListener("abort", abort);
    this.closed.then(() => seen.reject(new Error("the X server has ended")));
    try {
      if (signal.aborted) abort();
      else if (await this.#hasProperty(wanted)) seen.resolve();
      await seen.promise;
    } finally {
      this.#propertyWatchers.delete(watcher);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Hangs up. */
  [Symbol.dispose](): void {
    this.#x[Symbol.dispose]();
  }

  async #prepareRoot(background: number): Promise<void> {
    const { root } = this.#x.screen;
    this.#x.send(
      x11Request(
        2,
        0,
        ...[["u32", root], ["u32", BACK_PIXEL | EVENT_MASK]] as const,
        ...[["u32", background], ["u32", ON_PROPERTY_CHANGE | ON_STRUCTURE_CHANGE]] as const,
      ),
    );
    this.#x.send(x11Request(61, 0, ["u32", root], ["pad", 8])); // Clears the whole window.
    await this.#x.sync();
  }

  async #atom(name: string): Promise<number> {
    const text = new TextEncoder().encode(name);
    const reply = await this.#x.request(x11Request(16, 0, ["u16", text.byteLength], ["pad", 2], ["bytes", text]));
    return reply.getUint32(8, true);
  }

  async #hasProperty(atom: number): Promise<boolean> {
    const anyType = 0;
    const reply = await this.#x.request(
      x11Request(20, 0, ["u32", this.#x.screen.root], ["u32", atom], ["u32", anyType], ["u32", 0], ["u32", 1]),
    );
    return reply.getUint32(8, true) !== 0;
  }

  #fake(event: number, detail: number, { x, y }: Point = { x: 0, y: 0 }): void {
    this.#x.send(
      x11Request(
        this.#testOpcode,
        2,
        ...[["u8", event], ["u8", detail], ["pad", 2], ["u32", 0], ["u32", this.#x.screen.root]] as const,
        ...[["pad", 8], ["i16", x], ["i16", y], ["pad", 8]] as const,
      ),
    );
  }

  #take(type: number, event: DataView<ArrayBuffer>): void {
    if (type === MAPPING_NOTIFY) return this.onKeyMapChange();
    if (event.getUint32(4, true) !== this.#x.screen.root) return;
    if (type === PROPERTY_NOTIFY) { for (const watcher of this.#propertyWatchers) watcher(event.getUint32(8, true)); }
    if (type === CONFIGURE_NOTIFY) {
      this.#size = { width: event.getUint16(20, true), height: event.getUint16(22, true) };
    }
  }
}
