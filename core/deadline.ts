/**
 * Deadlines of the lifecycle, nested: a phase gets the smaller of its own and what is left of its parent's.
 *
 * @module
 */
import { elapsedOn } from "./clock.ts";
import { DeadlineError } from "./errors.ts";
import type { Awaitable, Clock } from "./plugin.ts";

/** Kept back from a parent's deadline, in milliseconds, so that the innermost overrun is the one people read. */
const MARGIN_MS = 50;

/** Ends work before its deadline. */
export interface Cancellation {
  readonly signal: AbortSignal;
  /** Time the work has to end once it was asked to, in milliseconds; 0 abandons it at once. */
  readonly graceMs: number;
}

/** A span of time that ends at a fixed moment of its clock. */
export class Deadline {
  readonly #endsAt: number;

  constructor(readonly clock: Clock, readonly ms: number) {
    this.#endsAt = elapsedOn(clock) + ms;
  }

  /** Milliseconds left; 0 when it has passed. */
  get leftMs(): number {
    return Math.max(0, this.#endsAt - elapsedOn(this.clock));
  }

  /** A deadline of `ms` inside this one. */
  nested(ms: number): Deadline {
    return new Deadline(this.clock, Math.max(0, Math.min(ms, this.leftMs - MARGIN_MS)));
  }

  /**
   * Runs `work` and waits for it no longer than this deadline allows. The signal aborts at the deadline. `work` that goes on
   * regardless is abandoned: its late result is dropped, its late error swallowed.
   *
   * @param what Names the work in the error: `setup of plugin "agentgit"`.
   * @param cancel Asks the work to end early: its signal aborts, and it has a grace time to end in its own way.
   * @throws {DeadlineError} When the deadline passes first.
   * @throws The cancel signal's reason when the grace time passes first.
   */
  async run<T>(what: string, work: (signal: AbortSignal) => Awaitable<T>, cancel?: Cancellation): Promise<T> {
    cancel?.signal.throwIfAborted();
    const overrun = new AbortController();
    const done = new AbortController();
    const limitMs = this.leftMs;
    const timer = this.clock.sleep(limitMs, done.signal).then(() => {
      const error = new DeadlineError(what, this.ms);
      overrun.abort(error);
      throw error;
    });
    timer.catch(() => {}); // Losing the race is no error of its own.
    const cancelled = new Promise<never>((_, reject) => {
      if (cancel === undefined) return;
      const { signal, graceMs } = cancel;
      const giveUp = () => reject(signal.reason);
      const ask = () => {
        overrun.abort(signal.reason);
        if (graceMs === 0) giveUp();
        else this.clock.sleep(graceMs, done.signal).then(giveUp, () => {}); // Aborted: the work has ended.
      };
      signal.addEventListener("abort", ask, { once: true, signal: done.signal });
    });
    const result = new Promise<T>((resolve) => resolve(work(overrun.signal)));
    result.catch(() => {}); // When abandoned, nobody is left to hear it.
    try {
      return await Promise.race([result, timer, cancelled]);
    } finally {
      done.abort();
    }
  }
}
