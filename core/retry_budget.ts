/**
 * When a failed plugin may be tried again.
 *
 * @module
 */
import type { PluginError } from "./errors.ts";

/** First and longest pause, in milliseconds; pauses double in between and each is drawn from 0 to its bound. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Retries allowed per window. */
const MAX_RETRIES = 5;
const WINDOW_MS = 600_000;

/** Counts the retries of one plugin. */
export class RetryBudget {
  #attempts: number[] = [];

  /** @param random 0 to 1; spreads the retries of many agents. */
  constructor(readonly random: () => number = Math.random) {}

  /**
   * Milliseconds to wait before the next try; `undefined` when there is none: the error does not say `retriable: true`, or
   * the budget of 5 in 10 minutes is spent.
   */
  pauseFor(failure: PluginError | undefined, now: number): number | undefined {
    if (!isRetriable(failure?.cause)) return undefined;
    this.#attempts = this.#attempts.filter((at) => now - at < WINDOW_MS);
    if (this.#attempts.length >= MAX_RETRIES) return undefined;
    const bound = Math.min(FIRST_PAUSE_MS * 2 ** this.#attempts.length, LONGEST_PAUSE_MS);
    this.#attempts.push(now);
    return bound * this.random();
  }
}

function isRetriable(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { retriable?: unknown }).retriable === true;
}
