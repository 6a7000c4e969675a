/**
 * Batches that wait to be forwarded, in memory.
 *
 * @module
 */

/** First in, first out, with a limit. One reader. */
export class BatchQueue<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #arrived: (() => void) | undefined;

  /** @param limit Most batches held. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Batches held now. */
  get size(): number {
    return this.#items.length;
  }

  /** Adds at the end. Returns `false`, and keeps nothing, when the queue is full. */
  offer(item: T): boolean {
    if (this.#items.length >= this.#limit) return false;
    this.#items.push(item);
    this.#arrived?.();
    return true;
  }

  /** Takes the oldest away; `undefined` when there is none. */
  take(): T | undefined {
    return this.#items.shift();
  }

  /** Puts one back in front of all others, also when the queue is full: it was counted before. */
  putBack(item: T): void {
    this.#items.unshift(item);
    this.#arrived?.();
  }

  /** Makes {@linkcode arrival} resolve although nothing was added here. */
  wake(): void {
    this.#arrived?.();
  }

  /** Takes everything away, oldest first. */
  clear(): readonly T[] {
    return this.#items.splice(0);
  }

  /** Resolves when something is there, or when `signal` is aborted. */
  async arrival(signal: AbortSignal): Promise<void> {
    if (this.#items.length > 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#arrived = wake;
    signal.addEventListener("abort", wake, { once: true });
    try {
      await promise;
    } finally {
      this.#arrived = undefined;
      signal.removeEventListener("abort", wake);
    }
  }
}
