/**
 * One time limit for many things at once, with at most one timer.
 *
 * @module
 */
import { elapsedOn } from "../clock.ts";
import type { Clock } from "../plugin.ts";

/** Options of {@linkcode Deadlines}. */
export interface DeadlinesOptions<T> {
  readonly clock: Clock;
  /** The limit, in milliseconds, the same for every item. */
  readonly ms: number;
  /** Called once for each item that stayed too long. The item is forgotten first. */
  readonly expire: (item: T) => void;
}

/** Watches items that must be gone after a fixed time. Equal limits expire in the order of arrival, so one timer is enough. */
export class Deadlines<T> implements Disposable {
  readonly #options: DeadlinesOptions<T>;
  readonly #dueAt = new Map<T, number>();
  readonly #stop = new AbortController();
  #watching = false;

  constructor(options: DeadlinesOptions<T>) {
    this.#options = options;
  }

  /** Starts the time of `item`. */
  add(item: T): void {
    if (this.#stop.signal.aborted) return;
    this.#dueAt.set(item, elapsedOn(this.#options.clock) + this.#options.ms);
    if (!this.#watching) this.#watch();
  }

  /** Forgets `item`: it was in time. */
  delete(item: T): void {
    this.#dueAt.delete(item);
  }

  /** Forgets everything and stops the timer. */
  [Symbol.dispose](): void {
    this.#dueAt.clear();
    this.#stop.abort();
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    const { clock, expire } = this.#options;
    for (const [item, dueAt] of this.#oldest()) {
      const left = dueAt - elapsedOn(clock);
      if (left > 0) {
        const slept = await clock.sleep(left, this.#stop.signal).then(() => true, () => false);
        if (!slept) break;
      } else {
        this.#dueAt.delete(item);
        expire(item);
      }
    }
    this.#watching = false;
  }

  /** The oldest item, again and again, until none is left. */
  *#oldest(): Generator<[T, number]> {
    while (true) {
      const first = this.#dueAt.entries().next();
      if (first.done) return;
      yield first.value;
    }
  }
}
