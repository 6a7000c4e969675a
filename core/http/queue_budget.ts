/**
 * Memory for what waits for the clients of WebSockets.
 *
 * @module
 */

/** Something with a queue that a {@linkcode QueueBudget} counts. */
export interface QueueHolder {
  /** What its queue holds, in bytes. */
  readonly queuedBytes: number;
  /** Lets its queue go, and tells the budget. Must not throw. */
  cut(): void;
}

/**
 * Bounds the queues of all WebSockets together: the limit on each, times the number of WebSockets, is more than most machines
 * have. Who holds most goes first: a client that does not read, before one that is only slow.
 */
export class QueueBudget {
  readonly #maxBytes: number;
  readonly #holders = new Set<QueueHolder>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A holder's queue has grown by `bytes`, or shrunk when they are negative. */
  changed(holder: QueueHolder, bytes: number): void {
    this.#bytes += bytes;
    if (holder.queuedBytes === 0) this.#holders.delete(holder);
    else this.#holders.add(holder);
    while (this.#bytes > this.#maxBytes && this.#holders.size > 0) this.#largest().cut();
  }

  #largest(): QueueHolder {
    return [...this.#holders].reduce((most, each) => each.queuedBytes > most.queuedBytes ? each : most);
  }
}
