/**
 * A wake-up call that nobody has to wait for.
 *
 * @module
 */
import type { Clock } from "../../core/plugin.ts";

/** Holds at most one pending call, so that callers never wait and a call that comes early is not lost. */
export class Wakeup {
  #isPending = false;
  #resolve: (() => void) | undefined;

  /** Wakes the sleeper, or the next one. */
  call(): void {
    this.#isPending = true;
    this.#resolve?.();
  }

  /**
   * Waits for a call or until `ms` have passed; without a call when `ms` is absent. Returns whether it was a call.
   *
   * @throws The signal's reason when aborted.
   */
  async wait(clock: Clock, ms: number | undefined, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (!this.#isPending) {
      const called = Promise.withResolvers<void>();
      this.#resolve = called.resolve;
      const timer = new AbortController();
      const abort = () => called.reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      const timeout = ms === undefined ? undefined : clock.sleep(ms, timer.signal).catch(() => {});
      try {
        await (timeout ? Promise.race([called.promise, timeout]) : called.promise);
      } finally {
        this.#resolve = undefined;
        signal.removeEventListener("abort", abort);
        timer.abort();
      }
    }
    const wasCalled = this.#isPending;
    this.#isPending = false;
    return wasCalled;
  }
}
