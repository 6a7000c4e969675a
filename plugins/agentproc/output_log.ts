/**
 * The latest bytes of one stream, each under its offset.
 *
 * @module
 */

/** A piece of a stream. */
export interface OutputPiece {
  /** Offset of the first byte of `bytes`. Larger than what was asked for when bytes in between are gone. */
  readonly offset: number;
  /** Empty when there is nothing newer. A copy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** First allocation, in bytes: most commands print less than this. */
const FIRST_BYTES = 1024;
const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * Keeps the last `maxBytes` of a stream. Offsets count from the stream's first byte and never repeat, so that a reader who
 * was away can tell what it missed. Memory grows with the output up to the limit.
 */
export class OutputLog {
  #ring: Uint8Array<ArrayBuffer> = EMPTY;
  #end = 0;
  #released = false;

  /** @param maxBytes Most bytes kept; 0 keeps nothing and only counts. */
  constructor(readonly maxBytes: number) {}

  /** Offset after the newest byte: how much was written in all. */
  get end(): number {
    return this.#end;
  }

  /** Offset of the oldest byte that is still there. */
  get start(): number {
    return this.#released ? this.#end : Math.max(0, this.#end - this.maxBytes);
  }

  /** Bytes of memory in use. */
  get heldBytes(): number {
    return this.#ring.length;
  }

  /** Appends a copy of `bytes`. */
  write(bytes: Uint8Array): void {
    const end = this.#end + bytes.length;
    if (!this.#released && this.maxBytes > 0) {
      this.#grow(Math.min(end, this.maxBytes));
      const kept = bytes.subarray(Math.max(0, bytes.length - this.#ring.length));
      const at = (end - kept.length) % this.#ring.length;
      const beforeWrap = kept.subarray(0, this.#ring.length - at);
      this.#ring.set(beforeWrap, at);
      this.#ring.set(kept.subarray(beforeWrap.length), 0);
    }
    this.#end = end;
  }

  /** Up to `maxBytes` from `offset` on, or from the oldest byte that is left. An offset in the future yields nothing. */
  read(offset: number, maxBytes: number): OutputPiece {
    const from = Math.min(Math.max(offset, this.start), Math.max(offset, this.#end));
    const size = Math.max(0, Math.min(maxBytes, this.#end - from));
    const bytes = new Uint8Array(size);
    if (size > 0) {
      const at = from % this.#ring.length;
      const beforeWrap = this.#ring.subarray(at, Math.min(at + size, this.#ring.length));
      bytes.set(beforeWrap);
      bytes.set(this.#ring.subarray(0, size - beforeWrap.length), beforeWrap.length);
    }
    return { offset: from, bytes };
  }

  /** Gives the memory back. What is not read by now is gone, and what is written later is only counted. */
  release(): void {
    this.#released = true;
    this.#ring = EMPTY;
  }

  /** Until the limit is reached nothing has wrapped, so growing is a copy. */
  #grow(wanted: number): void {
    if (wanted <= this.#ring.length) return;
    let size = Math.max(FIRST_BYTES, this.#ring.length);
    while (size < wanted) size *= 2;
    const ring = new Uint8Array(Math.min(size, this.maxBytes));
    ring.set(this.#ring.subarray(0, Math.min(this.#end, this.#ring.length)));
    this.#ring = ring;
  }
}
