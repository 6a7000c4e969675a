/**
 * One after the other, and not too many waiting.
 *
 * @module
 */

/** Too many wait already. */
export class TooManyWaitingError extends Error {
  override readonly name = "TooManyWaitingError";

  constructor(readonly waiting: number, readonly limit: number) {
    super(`Cannot queue the action: ${waiting} wait and the limit is ${limit}`);
  }
}

/** Runs one piece of work at a time, in the order in which they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  /** @param maxWaiting Most that wait for the one that runs. */
  constructor(readonly maxWaiting: number) {}

  /** @throws {TooManyWaitingError} When the queue is full. */
  take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#count > this.maxWaiting) throw new TooManyWaitingError(this.#count - 1, this.maxWaiting);
    this.#count++;
    const done = this.#last.then(work).finally(() => this.#count--);
    this.#last = done.catch(() => {}); // Told to whoever asked for it.
    return done;
  }
}
