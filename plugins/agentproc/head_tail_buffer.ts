/**
 * The view of an output that fits into a model's context: its beginning, its end, and how much is missing.
 *
 * @module
 */
import { completeUtf8Length, leadingContinuations } from "./utf8_border.ts";

/** Sizes of a {@linkcode HeadTailBuffer}, in bytes. */
export interface HeadTailOptions {
  /** Kept from the start. Default 16384. */
  readonly headBytes?: number;
  /** Kept from the end, once the head is full. Default 16384. */
  readonly tailBytes?: number;
  /** Longest line in the view; the rest of a longer one is replaced by a note. Default 2048. */
  readonly maxLineBytes?: number;
}

/** What the view leaves out. */
export interface Truncation {
  /** Bytes written in all. */
  readonly original_bytes: number;
  /** Bytes of the view, with its marker and notes. */
  readonly retained_bytes: number;
  /** Bytes between head and tail that are gone. */
  readonly omitted_bytes: number;
  /** How the view was made. */
  readonly strategy: "head_tail";
}

/** The output as text, and what is missing in it. */
export interface HeadTailView {
  /** Valid Unicode text, whatever the bytes were. */
  readonly output: string;
  /** Absent while everything fitted into the head, even when a long line was cut. */
  readonly truncated?: Truncation;
}

const DEFAULT_HEAD_BYTES = 16 * 1024;
const DEFAULT_TAIL_BYTES = 16 * 1024;
/** Minified files would otherwise fill the whole view with one line. */
const DEFAULT_MAX_LINE_BYTES = 2048;

/** First allocation of the head. */
const FIRST_HEAD_BYTES = 512;

const LINE_NOTE = new TextEncoder().encode(" ... [truncated]");
const LINE_FEED = 0x0a;
const EMPTY = new Uint8Array(0);

/**
 * Keeps the first and the last part of a stream in bounded memory.
 *
 * Writing never blocks and never fails. A character of UTF-8 that a border would cut goes to the tail as a whole, or, when
 * bytes are missing between head and tail, counts as omitted.
 *
 * @example Keep ten bytes on each side
 * const buffer = new HeadTailBuffer({ headBytes: 10, tailBytes: 10 });
 */
export class HeadTailBuffer {
  readonly #headSize: number;
  readonly #tailSize: number;
  readonly #maxLine: number;
  #head: Uint8Array = EMPTY;
  /** Ring, allocated when the head is full. */
  #tail: Uint8Array = EMPTY;
  #total = 0;

  constructor(options: HeadTailOptions = {}) {
    this.#headSize = options.headBytes ?? DEFAULT_HEAD_BYTES;
    this.#tailSize = options.tailBytes ?? DEFAULT_TAIL_BYTES;
    this.#maxLine = Math.max(options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES, LINE_NOTE.length);
  }

  /** Bytes written so far. */
  get totalBytes(): number {
    return this.#total;
  }

  /** Bytes kept: at most head and tail together. */
  get length(): number {
    return Math.min(this.#total, this.#headSize + this.#tailSize);
  }

  /** Takes all of `bytes` and returns their number. The caller may reuse the array. */
  write(bytes: Uint8Array): number {
    const headRoom = this.#headSize - Math.min(this.#total, this.#headSize);
    if (headRoom > 0 && bytes.length > 0) {
      this.#growHead(Math.min(this.#total + bytes.length, this.#headSize));
      this.#head.set(bytes.subarray(0, headRoom), this.#total);
    }
    if (bytes.length > headRoom) this.#writeTail(bytes.subarray(headRoom), this.#total + headRoom - this.#headSize);
    this.#total += bytes.length;
    return bytes.length;
  }

  /** Head and tail in order, without what was between them. A copy. */
  bytes(): Uint8Array<ArrayBuffer> {
    const kept = new Uint8Array(this.length);
    const head = this.#headBytes();
    kept.set(head);
    kept.set(this.#tailBytes(), head.length);
    return kept;
  }

  /** The text a model gets. */
  view(): HeadTailView {
    const afterHead = this.#total - this.#headSize;
    if (afterHead <= 0) return { output: decode(this.#cutLines(this.#headBytes())) };

    let head = this.#headBytes();
    let tail = this.#tailBytes();
    const dropped = this.#total - this.length;
    const headEnd = completeUtf8Length(head);
    let omitted = 0;
    if (dropped === 0) tail = concat(head.subarray(headEnd), tail);
    else {
      const tailStart = leadingContinuations(tail);
      tail = tail.subarray(tailStart);
      omitted = dropped + (head.length - headEnd) + tailStart;
    }
    head = head.subarray(0, headEnd);

    const border = omitted === 0 ? "\n" : `\n\n... [omitted ${omitted} bytes] ...\n\n`;
    const output = decode(this.#cutLines(head)) + border + decode(this.#cutLines(tail));
    return {
      output,
      truncated: {
        original_bytes: this.#total,
        retained_bytes: new TextEncoder().encode(output).length,
        omitted_bytes: omitted,
        strategy: "head_tail",
      },
    };
  }

  /** Forgets everything. */
  reset(): void {
    this.#head = EMPTY;
    this.#tail = EMPTY;
    this.#total = 0;
  }

  /** Doubles the head until `needed` bytes fit: most commands print little, and many are remembered. */
  #growHead(needed: number): void {
    if (needed <= this.#head.length) return;
    let size = Math.max(this.#head.length, FIRST_HEAD_BYTES);
    while (size < needed) size *= 2;
    const head = new Uint8Array(Math.min(size, this.#headSize));
    head.set(this.#head);
    this.#head = head;
  }

  /** `position` counts the bytes written after the head. */
  #writeTail(bytes: Uint8Array, position: number): void {
    if (this.#tailSize === 0) return;
    if (this.#tail === EMPTY) this.#tail = new Uint8Array(this.#tailSize);
    const skipped = Math.max(0, bytes.length - this.#tailSize);
    const kept = bytes.subarray(skipped);
    const at = (position + skipped) % this.#tailSize;
    const beforeWrap = kept.subarray(0, this.#tailSize - at);
    this.#tail.set(beforeWrap, at);
    this.#tail.set(kept.subarray(beforeWrap.length), 0);
  }

  #headBytes(): Uint8Array {
    return this.#head.subarray(0, Math.min(this.#total, this.#headSize));
  }

  #tailBytes(): Uint8Array {
    const written = Math.max(0, this.#total - this.#headSize);
    if (written <= this.#tailSize) return this.#tail.subarray(0, written);
    const oldest = written % this.#tailSize;
    return concat(this.#tail.subarray(oldest), this.#tail.subarray(0, oldest));
  }

  #cutLines(text: Uint8Array): Uint8Array {
    if (text.length <= this.#maxLine) return text;
    const parts: Uint8Array[] = [];
    for (let start = 0; start < text.length;) {
      const feed = text.indexOf(LINE_FEED, start);
      const end = feed < 0 ? text.length : feed;
      if (end - start > this.#maxLine) {
        const kept = text.subarray(start, start + this.#maxLine - LINE_NOTE.length);
        parts.push(kept.subarray(0, completeUtf8Length(kept)), LINE_NOTE);
      } else {
        parts.push(text.subarray(start, end));
      }
      if (feed >= 0) parts.push(text.subarray(end, end + 1));
      start = end + 1;
    }
    return concat(...parts);
  }
}

/** Bytes that are no UTF-8 become U+FFFD; a byte order mark is kept. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
