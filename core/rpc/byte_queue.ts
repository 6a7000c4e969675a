/**
 * Bytes that arrived and were not read yet.
 *
 * @module
 */

/** Pieces shorter than this are copied together, so that a peer that sends single bytes does not cost an object for each. */
const SMALL_PIECE_BYTES = 2 * 1024;
/** Size of the blocks into which small pieces are copied, in bytes. */
const BLOCK_BYTES = 8 * 1024;
/** Taken pieces after which the list is shortened, if they are half of it. */
const COMPACT_AT = 256;

/**
 * First in, first out. Memory stays near {@linkcode ByteQueue.length}: small pieces share blocks, and a piece that would keep a much larger
 * buffer alive is copied out of it.
 */
export class ByteQueue {
  #length = 0;
  #pieces: Uint8Array[] = [];
  #head = 0;
  /** Block that collects small pieces: its used part is the last piece. */
  #block: Uint8Array | undefined;

  /** Bytes waiting. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes at the end. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#length += bytes.length;
    if (bytes.length < SMALL_PIECE_BYTES) return this.#pushSmall(bytes);
    this.#block = undefined;
    this.#pieces.push(bytes.length * 2 < bytes.buffer.byteLength ? bytes.slice() : bytes);
  }

  /** Takes the oldest piece away; `undefined` when nothing waits. */
  shift(): Uint8Array | undefined {
    const piece = this.#pieces[this.#head];
    if (piece === undefined) return undefined;
    this.#pieces[this.#head] = EMPTY;
    this.#head += 1;
    this.#length -= piece.length;
    if (this.#head === this.#pieces.length) {
      this.#pieces = [];
      this.#head = 0;
      this.#block = undefined;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#pieces.length) {
      this.#pieces.splice(0, this.#head);
      this.#head = 0;
    }
    return piece;
  }

  /** Drops everything. */
  clear(): void {
    this.#pieces = [];
    this.#head = 0;
    this.#length = 0;
    this.#block = undefined;
  }

  #pushSmall(bytes: Uint8Array): void {
    const last = this.#pieces.length - 1;
    const used = this.#block === undefined ? 0 : this.#pieces[last]!.length;
    if (this.#block !== undefined && used + bytes.length <= this.#block.length) {
      this.#block.set(bytes, used);
      this.#pieces[last] = this.#block.subarray(0, used + bytes.length);
      return;
    }
    // A lone small piece is copied exactly; a block is taken only when pieces pile up.
    const piling = this.#head < this.#pieces.length;
    this.#block = piling ? new Uint8Array(BLOCK_BYTES) : undefined;
    if (this.#block === undefined) {
      this.#pieces.push(bytes.length * 2 < bytes.buffer.byteLength ? bytes.slice() : bytes);
      return;
    }
    this.#block.set(bytes);
    this.#pieces.push(this.#block.subarray(0, bytes.length));
  }
}

const EMPTY = new Uint8Array(0);
