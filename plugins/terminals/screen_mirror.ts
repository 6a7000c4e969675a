/**
 * What a terminal shows now, kept for those who attach later.
 *
 * @module
 */
// @ts-types="./xterm_serialize.d.ts"
import addon from "@xterm/addon-serialize";
// @ts-types="./xterm_headless.d.ts"
import headless from "@xterm/headless";

import type { PtySize } from "../../core/plugin.ts";

/**
 * A terminal without a window. A replay of the last bytes would begin in the middle of a sequence and leave a screen that
 * never was; this one is drawn anew.
 */
export class ScreenMirror implements Disposable {
  readonly #terminal: InstanceType<typeof headless.Terminal>;
  readonly #serializer = new addon.SerializeAddon();

  constructor(size: PtySize, scrollbackLines: number) {
    this.#terminal = new headless.Terminal({ ...size, scrollback: scrollbackLines, allowProposedApi: true });
    this.#terminal.loadAddon(this.#serializer);
  }

  /** Resolves when the bytes are on the screen. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(bytes, resolve));
  }

  /** Brings the screen to another size. */
  resize({ cols, rows }: PtySize): void {
    this.#terminal.resize(cols, rows);
  }

  /** Text that draws scrollback, screen, modes and cursor in an empty terminal of the same size. */
  draw(): string {
    return this.#serializer.serialize();
  }

  /** Gives its memory back. */
  [Symbol.dispose](): void {
    this.#terminal.dispose();
  }
}
