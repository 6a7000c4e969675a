/**
 * Keeps what a program says to a bearable pace, so that a flood costs the flooder and nobody else.
 *
 * @module
 */
import { elapsedOn } from "../clock.ts";
import type { Clock } from "../plugin.ts";

/** Length of one window, in milliseconds. */
const WINDOW_MS = 1000;

/** Counts what was used in the present second. */
export class Pace {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #windowStart: number;
  #used = 0;

  /** @param perSecond Units that one second allows. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#windowStart = elapsedOn(clock);
  }

  /** Uses units of the present second; `false`, and nothing is used, when there are not as many left. */
  take(units = 1): boolean {
    this.#renew();
    if (this.#used >= this.#perSecond) return false;
    this.#used += units;
    return true;
  }

  /** Uses units, and waits for the next second when that was too much. Rejects with the signal's reason. */
  async spend(units: number, signal: AbortSignal): Promise<void> {
    this.#renew();
    this.#used += units;
    if (this.#used < this.#perSecond) return;
    await this.#clock.sleep(Math.max(1, this.#windowStart + WINDOW_MS - elapsedOn(this.#clock)), signal);
  }

  #renew(): void {
    const now = elapsedOn(this.#clock);
    if (now - this.#windowStart < WINDOW_MS) return;
    this.#windowStart = now;
    this.#used = 0;
  }
}
