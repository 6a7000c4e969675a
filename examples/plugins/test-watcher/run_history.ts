/**
 * Runs and how they went, for those who ask and those who watch.
 *
 * @module
 */

/** One run of the command. */
export interface TestRun {
  /** Counts from 1. */
  readonly number: number;
  readonly state: "running" | "passed" | "failed" | "stopped";
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Absent while running. */
  readonly durationMs?: number;
  /** Absent while running, and when a signal ended it. */
  readonly exitCode?: number;
  /** The signal that ended it. */
  readonly endedBy?: string;
  /** Present when it was killed for want of memory. */
  readonly outOfMemory?: true;
  /** What held it to its memory; absent when it had all there was. */
  readonly limitedBy?: string;
  /** The end of what it wrote; empty while running. */
  readonly output: string;
  /** The end of its standard error, where that is kept apart. */
  readonly errors?: string;
  /** What changed. */
  readonly changed: readonly string[];
}

/** The latest runs; a watcher sees the present state first and every later one, and never holds a run up. */
export class RunHistory {
  readonly #maxRuns: () => number;
  readonly #waiting = new Set<() => void>();
  #runs: readonly TestRun[] = [];

  constructor(maxRuns: () => number) {
    this.#maxRuns = maxRuns;
  }

  /** The newest last. */
  get runs(): readonly TestRun[] {
    return this.#runs;
  }

  /** Adds a run, or replaces the one with its number. */
  put(run: TestRun): void {
    this.#runs = [...this.#runs.filter(({ number }) => number !== run.number), run].slice(-this.#maxRuns());
    for (const wake of this.#waiting) wake();
  }

  /** Yields the newest run now and whenever it changes; states that nobody was there for in between are left out. */
  async *watch(signal: AbortSignal): AsyncGenerator<TestRun, void> {
    let seen: TestRun | undefined;
    const ended = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => ended.resolve(), { once: true });
    while (!signal.aborted) {
      const changed = Promise.withResolvers<void>();
      this.#waiting.add(changed.resolve);
      const newest = this.#runs.at(-1);
      try {
        if (newest !== undefined && newest !== seen) yield seen = newest;
        else await Promise.race([changed.promise, ended.promise]);
      } finally {
        this.#waiting.delete(changed.resolve);
      }
    }
  }
}
