/**
 * Those who wait until something changes.
 *
 * @module
 */

/** Wakes whoever waits. Only what happens after {@linkcode Waiters.wait} was called counts. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Resolves at the next {@linkcode wake}, or when `signal` is aborted. Never rejects. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** Wakes everybody who waits now. Never waits itself. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
