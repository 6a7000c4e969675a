/**
 * Fields of SSH and SFTP packets: numbers in network order, strings with their length in front.
 *
 * @module
 */

/** Reads one packet from front to back. Every method throws a `SyntaxError` when the packet is shorter than it claims. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  /** @param start Offset of the first field. */
  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
  }

  /** Whether everything has been read. */
  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** One byte. */
  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  /** Four bytes. */
  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Eight bytes, as a number: above 2^53 it is not exact. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#take(8)));
  }

  /** A string's bytes: a view into the packet. */
  bytes(): Uint8Array {
    const length = this.uint32();
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** A string as text; what is no UTF-8 is replaced. */
  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  #take(count: number): number {
    const from = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) {
      throw new SyntaxError(`Cannot read ${count} bytes at ${from}: the packet has ${this.#bytes.length}`);
    }
    return from;
  }
}

/** Writes fields one behind the other. */
export class FieldWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  /** @param expectedBytes Room made at once; it grows when that is not enough. */
  constructor(expectedBytes = 256) {
    this.#bytes = new Uint8Array(expectedBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** One byte. */
  uint8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  /** Four bytes; the upper ones of a larger number are lost. */
  uint32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
    return this;
  }

  /** Eight bytes. */
  uint64(value: number): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value));
    return this;
  }

  /** A string. */
  bytes(value: Uint8Array): this {
    this.uint32(value.length);
    const from = this.#grow(value.length);
    this.#bytes.set(value, from);
    return this;
  }

  /** A string from text. */
  text(value: string): this {
    return this.bytes(new TextEncoder().encode(value));
  }

  /** Sets four bytes that were written before. */
  patchUint32(at: number, value: number): this {
    this.#view.setUint32(at, value);
    return this;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written: a view, to be used before the next write. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(count: number): number {
    const from = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return from;
  }
}
