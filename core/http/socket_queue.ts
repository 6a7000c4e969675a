/**
 * Messages waiting for their reader, counted in bytes.
 *
 * @module
 */

/** Bytes charged for a message beside its content, so that empty ones cannot pile up without bound. */
const MESSAGE_OVERHEAD_BYTES = 64;

/** What keeping a message costs in memory, in bytes. */
export function costOf(message: string | Uint8Array): number {
  return MESSAGE_OVERHEAD_BYTES + (typeof message === "string" ? 2 * message.length : message.byteLength);
}

/** Whether a message is longer than `maxBytes` on the wire. */
export function isLonger(message: string | Uint8Array, maxBytes: number): boolean {
  if (typeof message !== "string") return message.byteLength > maxBytes;
  if (message.length > maxBytes) return true;
  // A UTF-16 unit takes at most three bytes in UTF-8; only in between the text has to be looked at.
  return 3 * message.length > maxBytes && new TextEncoder().encode(message).byteLength > maxBytes;
}

/** Hands messages to whoever asks, in order. Ends when it is closed and empty. */
export class SocketQueue implements AsyncIterator<string | Uint8Array> {
  readonly #messages: (string | Uint8Array)[] = [];
  readonly #readers: ((result: IteratorResult<string | Uint8Array>) => void)[] = [];
  #isClosed = false;
  #bytes = 0;

  /** What the waiting messages cost, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  push(message: string | Uint8Array): void {
    if (this.#isClosed) return;
    const reader = this.#readers.shift();
    if (reader) return reader({ value: message, done: false });
    this.#bytes += costOf(message);
    this.#messages.push(message);
  }

  next(): Promise<IteratorResult<string | Uint8Array>> {
    const value = this.#messages.shift();
    if (value !== undefined) {
      this.#bytes -= costOf(value);
      return Promise.resolve({ value, done: false });
    }
    if (this.#isClosed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Lets readers finish. What waits is still handed out, unless `drop` says to forget it. */
  close(drop: boolean): void {
    this.#isClosed = true;
    if (drop) {
      this.#messages.length = 0;
      this.#bytes = 0;
    }
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
  }
}
