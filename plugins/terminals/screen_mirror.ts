/**
 * What a terminal shows now, kept for those who attach later.
 *
 * @module
 */
// @ts-types="./xterm_serialize.d.ts"
import type addon from "@xterm/addon-serialize";
// @ts-types="./xterm_headless.d.ts"
import type headless from "@xterm/headless";

import { loadCommonJs } from "../../core/common_js.ts";
import type { PtySize } from "../../core/plugin.ts";

/** Modes that switch how positions of the mouse are told, by the library's names. */
const MOUSE_ENCODINGS: Readonly<Record<string, number>> = { SGR: 1006, SGR_PIXELS: 1016 };

/**
 * A terminal without a window. A replay of the last bytes would begin in the middle of a sequence and leave a screen that
 * never was; this one is drawn anew.
 */
export class ScreenMirror implements Disposable {
  readonly #terminal: InstanceType<typeof headless.Terminal>;
  readonly #serializer: InstanceType<typeof addon.SerializeAddon>;
  readonly #scrollbackBytes: number;

  private constructor(libraries: Libraries, size: PtySize, scrollbackBytes: number) {
    this.#scrollbackBytes = scrollbackBytes;
    this.#serializer = new libraries.addon.SerializeAddon();
    this.#terminal = new libraries.headless.Terminal({
      ...size,
      scrollback: this.#lines(size),
      allowProposedApi: true,
    });
    this.#terminal.loadAddon(this.#serializer);
    const { coreService, coreMouseService, buffer } = this.#terminal._core;
    if (
      typeof coreService?.isCursorHidden !== "boolean" || typeof coreMouseService?.activeEncoding !== "string" ||
      typeof buffer?.scrollTop !== "number"
    ) throw new TypeError("Cannot use @xterm/headless: its terminal has another shape than version 5.5.0");
  }

  /**
   * An empty screen.
   *
   * @param scrollbackBytes Bytes kept above the screen; a line takes as many as the terminal has columns.
   * @throws What the load of the libraries throws; the next call tries again.
   */
  static async open(size: PtySize, scrollbackBytes: number): Promise<ScreenMirror> {
    return new ScreenMirror(await loadLibraries(), size, scrollbackBytes);
  }

  /** Resolves when the bytes are on the screen. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(bytes, resolve));
  }

  /** Brings the screen to another size. */
  resize(size: PtySize): void {
    this.#terminal.options.scrollback = this.#lines(size);
    this.#terminal.resize(size.cols, size.rows);
  }

  /** Text that draws scrollback, screen, modes and cursor in an empty terminal of the same size. */
  draw(): string {
    return this.#serializer.serialize() + this.#leftOut();
  }

  /** Gives its memory back. */
  [Symbol.dispose](): void {
    this.#terminal.dispose();
  }

  #lines({ cols }: PtySize): number {
    return Math.floor(this.#scrollbackBytes / cols);
  }

  /** What the serializer does not write: the scroll region, the encoding of the mouse, a hidden cursor. */
  #leftOut(): string {
    const { _core: { coreService, coreMouseService, buffer }, modes, rows } = this.#terminal;
    const { cursorX, cursorY } = this.#terminal.buffer.active;
    let text = "";
    if (buffer.scrollTop !== 0 || buffer.scrollBottom !== rows - 1) {
      // Setting the region moves the cursor, and in origin mode the region is where it is counted from.
      const row = cursorY - (modes.originMode ? buffer.scrollTop : 0);
      text += `\x1b[${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r\x1b[${row + 1};${cursorX + 1}H`;
    }
    const encoding = MOUSE_ENCODINGS[coreMouseService.activeEncoding];
    if (encoding !== undefined) text += `\x1b[?${encoding}h`;
    return coreService.isCursorHidden ? `${text}\x1b[?25l` : text;
  }
}

interface Libraries {
  readonly addon: typeof addon;
  readonly headless: typeof headless;
}

async function loadLibraries(): Promise<Libraries> {
  const [serialize, terminal] = await Promise.all([
    loadCommonJs("@xterm/addon-serialize", () => {
      // @ts-types="./xterm_serialize.d.ts"
      return import("@xterm/addon-serialize");
    }),
    loadCommonJs("@xterm/headless", () => {
      // @ts-types="./xterm_headless.d.ts"
      return import("@xterm/headless");
    }),
  ]);
  return { addon: serialize, headless: terminal };
}
