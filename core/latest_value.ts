/**
 * A value that changes, with no way to miss a change: whoever watches gets the current value first and every later one, or the
 * latest of them when it is slow.
 *
 * @module
 */

import { Waiters } from "./waiters.ts";

/** Holds a value and tells its watchers. */
export class LatestValue<Value> {
  #value: Value | undefined;
  #version = 0;
  #closed = false;
  readonly #waiters = new Waiters();

  /** The latest value, for whoever needs it once; `undefined` before the first. To follow it, {@linkcode watch}. */
  get current(): Value | undefined {
    return this.#value;
  }

  /** Replaces the value and wakes every watcher. Never waits. */
  set(value: Value): void {
    this.#value = value;
    this.#version++;
    this.#waiters.wake();
  }

  /** Ends every watch. */
  close(): void {
    this.#closed = true;
    this.#waiters.wake();
  }

  /** Yields the present value, if there is one, then later ones; values that came while the watcher was busy are skipped. */
  async *watch(signal: AbortSignal): AsyncGenerator<Value, void> {
    let seen = 0;
    while (!signal.aborted && !this.#closed) {
      if (this.#version > seen) {
        seen = this.#version;
        yield this.#value as Value;
      } else {
        await this.#waiters.wait(signal);
      }
    }
  }
}
