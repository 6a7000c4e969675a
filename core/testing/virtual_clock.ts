/**
 * Time that stands still until a test moves it.
 *
 * @module
 */
import type { Clock } from "../plugin.ts";

interface Sleeper {
  readonly wakeAt: number;
  readonly order: number;
  readonly wake: () => void;
  /** Holds the stack of whoever sleeps. */
  readonly origin: Error;
}

/** A {@linkcode Clock} for tests. */
export class VirtualClock implements Clock {
  /** What has passed, and the start: what sleeps and {@linkcode elapsed} go by. */
  #now: number;
  /** By how much the machine's clock was set since, in milliseconds. */
  #setBy = 0;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #watchers = new Set<() => void>();

  /** @param startMs Milliseconds since the epoch. */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now + this.#setBy;
  }

  elapsed(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const origin = new Error(`sleep of ${ms} ms`);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        // Whole, as the process's clock is: times go into messages that have no room for parts of a millisecond.
        wakeAt: this.#now + Math.max(0, Math.ceil(ms)),
        order: this.#order++,
        origin,
        wake: () => {
          signal?.removeEventListener("abort", cancel);
          resolve();
        },
      };
      const sleepers = this.#sleepers;
      function cancel(): void {
        sleepers.delete(sleeper);
        reject(signal?.reason);
      }
      signal?.addEventListener("abort", cancel, { once: true });
      sleepers.add(sleeper);
      for (const watcher of this.#watchers) watcher();
    });
  }

  /** Sleeps that have not ended. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Each sleep that has not ended: how long, and the stack that began it. */
  get sleepers(): readonly string[] {
    return [...this.#sleepers].map(({ origin }) => stackOf(origin));
  }

  /** Resolves when at least `count` sleeps are waiting: what they wait for is then up to {@linkcode advance}. */
  untilSleeping(count = 1): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.#sleepers.size < count) return;
        this.#watchers.delete(check);
        resolve();
      };
      this.#watchers.add(check);
      check();
    });
  }

  /** Moves time on by `ms`, waking sleepers in the order of their times and letting each run before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.wakeAt);
      this.#sleepers.delete(next);
      next.wake();
      await settle();
    }
    this.#now = end;
  }

  /**
   * Sets the machine's clock forward by `ms`, or back when it is negative, as people and time servers do. No time passes: sleeps go on as they
   * were, and {@linkcode elapsed} does not change.
   */
  jump(ms: number): void {
    this.#setBy += ms;
  }

  #next(end: number): Sleeper | undefined {
    const due = [...this.#sleepers].filter((sleeper) => sleeper.wakeAt <= end);
    return due.sort((a, b) => a.wakeAt - b.wakeAt || a.order - b.order)[0];
  }
}

/** The error's text and its stack, from the caller of the function that made the error on. */
export function stackOf(origin: Error): string {
  const frames = (origin.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)).slice(1);
  return [origin.message, ...frames].join("\n");
}

/** Lets promise callbacks run, also those of a few turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
