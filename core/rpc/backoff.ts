/**
 * Growing pauses between attempts.
 *
 * @module
 */

/** Options of {@linkcode Backoff}. */
export interface BackoffOptions {
  /** First pause, in milliseconds. Default 100. */
  readonly floorMs?: number;
  /** Longest pause, in milliseconds. Default 10 s. */
  readonly ceilingMs?: number;
  /** 0 to 1, for the jitter. Default: random. */
  readonly random?: () => number;
}

/** Each pause is longer than the last by this factor. */
const GROWTH = 1.618;

/**
 * Pauses that grow to a ceiling. Each is shortened at random by up to half, so that agents that lost the same server do not come back at
 * the same moment.
 */
export class Backoff {
  readonly #floorMs: number;
  readonly #ceilingMs: number;
  readonly #random: () => number;
  #nextMs: number;

  constructor(options: BackoffOptions = {}) {
    this.#floorMs = options.floorMs ?? 100;
    this.#ceilingMs = options.ceilingMs ?? 10_000;
    this.#random = options.random ?? Math.random;
    this.#nextMs = this.#floorMs;
  }

  /** The next pause, in milliseconds. */
  next(): number {
    const pauseMs = this.#nextMs * (1 - this.#random() / 2);
    this.#nextMs = Math.min(this.#ceilingMs, this.#nextMs * GROWTH);
    return pauseMs;
  }

  /** Starts again with the shortest pause. */
  reset(): void {
    this.#nextMs = this.#floorMs;
  }
}
