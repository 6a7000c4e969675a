/**
 * Many deadlines behind one timer, so that a request costs an entry in a set and not a timer of its own.
 *
 * @module
 */
import { elapsedOn } from "../clock.ts";
import type { Clock } from "../plugin.ts";

/** One deadline that has not passed. */
export interface Deadline {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly overdue: () => void;
}

/**
 * Calls back when a deadline passes. The timer sleeps until the earliest deadline it has seen and is kept through quiet
 * times; {@linkcode Deadlines.close} ends it.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Deadline>();
  #wakeAt = Infinity;
  #timer = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `overdue` once, `ms` from now (`Infinity` for never), unless {@linkcode Deadlines.forget} comes first. */
  watch(ms: number, overdue: () => void): Deadline {
    const deadline = { at: elapsedOn(this.#clock) + ms, overdue };
    if (ms === Infinity) return deadline;
    this.#waiting.add(deadline);
    if (deadline.at < this.#wakeAt) this.#sleepUntil(deadline.at);
    return deadline;
  }

  /** Drops a deadline that was met. */
  forget(deadline: Deadline): void {
    this.#waiting.delete(deadline);
  }

  /** Ends the timer and forgets every deadline. */
  close(): void {
    this.#waiting.clear();
    this.#sleepUntil(Infinity);
  }

  #sleepUntil(at: number): void {
    this.#timer.abort();
    this.#wakeAt = at;
    if (at === Infinity) return;
    const timer = this.#timer = new AbortController();
    this.#clock.sleep(Math.max(0, at - elapsedOn(this.#clock)), timer.signal).then(() => this.#wake(timer), () => {
      // Replaced by an earlier wake-up, or closed.
    });
  }

  #wake(timer: AbortController): void {
    if (timer !== this.#timer) return;
    const now = elapsedOn(this.#clock);
    let next = Infinity;
    for (const deadline of this.#waiting) {
      if (deadline.at <= now) {
        this.#waiting.delete(deadline);
        deadline.overdue();
      } else {
        next = Math.min(next, deadline.at);
      }
    }
    this.#sleepUntil(next);
  }
}
