/**
 * Long work on pixels, in slices.
 *
 * @module
 */
import { nextTurn } from "../../../core/next_turn.ts";

/** Pixels worked on in one go: a few milliseconds. A whole screen of 8K would keep everything else waiting for seconds. */
const PIXELS_AT_ONCE = 256 * 1024;

/** Counts the work, and lets everything else have its turn after each slice of it. */
export class Slices {
  readonly #signal: AbortSignal;
  #left = PIXELS_AT_ONCE;

  /** @param signal Ends the work. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Call it after each piece of the work, such as a row. @throws The signal's reason when it has aborted. */
  async worked(pixels: number): Promise<void> {
    this.#left -= pixels;
    if (this.#left > 0) return;
    this.#left = PIXELS_AT_ONCE;
    await nextTurn();
    this.#signal.throwIfAborted();
  }
}
