/**
 * Frames of the boundary log socket: a tag byte, a length of three bytes (big-endian), and a payload.
 *
 * @module
 */

/** What a payload is. */
export const FrameTag = {
  /** A bare `ReportBoundaryLogsRequest`, as older jails send it. */
  logs: 1,
  /** A `BoundaryMessage`, which says what it holds. */
  envelope: 2,
} as const;

/** Bytes in front of a payload. */
const HEADER_BYTES = 4;
/** Longest payload, in bytes, this length included. The protocol fixes it for both tags. */
export const MAX_PAYLOAD_BYTES = 32 * 1024;
/** First size of a connection's buffer, in bytes: a batch of ten entries fits, and a thousand idle connections cost one MiB. */
const FIRST_BUFFER_BYTES = 1024;
/** Largest size of a connection's buffer, in bytes: holds a frame of any length, and several common ones per read. */
const MAX_BUFFER_BYTES = 64 * 1024;

/** Why a frame is not taken. */
export type FrameProblem = "unsupported_tag" | "too_large";

/** The header of a frame breaks the protocol. What follows it cannot be understood. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code = "boundarylogs_frame";

  constructor(readonly problem: FrameProblem, message: string) {
    super(message);
  }
}

/** One frame. */
export interface Frame {
  readonly tag: number;
  /** Part of the reader's buffer: valid until the next frame is asked for. */
  readonly payload: Uint8Array;
}

/**
 * Cuts a stream of bytes into frames, whatever pieces it arrives in.
 *
 * The buffer grows with the bytes that arrive, not with the length a header announces: a writer that never sends its payload costs nothing.
 *
 * @example
 * const count = await connection.read(reader.space());
 * for (const { tag, payload } of reader.filled(count)) take(tag, payload);
 */
export class FrameReader {
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  /** Where the unread bytes begin. */
  #start = 0;
  /** Where they end. */
  #end = 0;

  /** Bytes of a frame that has not arrived completely. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Bytes set aside for this reader. */
  get bufferBytes(): number {
    return this.#buffer.length;
  }

  /** Where the next bytes go; never empty. */
  space(): Uint8Array {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end === this.#buffer.length) {
      const larger = new Uint8Array(Math.min(MAX_BUFFER_BYTES, this.#buffer.length * 2));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    return this.#buffer.subarray(this.#end);
  }

  /**
   * Takes the first `count` bytes of the last {@linkcode space}. Yields the frames that are complete now.
   *
   * @throws {FrameError} When a header has another tag than 1 and 2, or announces more than 32768 bytes.
   */
  *filled(count: number): Generator<Frame> {
    this.#end += count;
    while (this.pendingBytes >= HEADER_BYTES) {
      const { tag, length } = readHeader(this.#buffer, this.#start);
      const end = this.#start + HEADER_BYTES + length;
      if (end > this.#end) return;
      const payload = this.#buffer.subarray(this.#start + HEADER_BYTES, end);
      this.#start = end;
      yield { tag, payload };
    }
  }
}

/**
 * Encodes one frame.
 *
 * @throws {FrameError} When the reading side would not take it.
 */
export function encodeFrame(tag: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  checkHeader(tag, payload.length);
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, tag * 2 ** 24 + payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

function readHeader(bytes: Uint8Array, at: number): { readonly tag: number; readonly length: number } {
  const tag = bytes[at]!;
  const length = bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
  checkHeader(tag, length);
  return { tag, length };
}

/** The tag first: under another tag, the length may mean something else. */
function checkHeader(tag: number, length: number): void {
  if (tag !== FrameTag.logs && tag !== FrameTag.envelope) {
    throw new FrameError("unsupported_tag", `Cannot read the frame: unsupported tag ${tag}, known are 1 and 2`);
  }
  if (length > MAX_PAYLOAD_BYTES) {
    throw new FrameError(
      "too_large",
      `Cannot read the frame: message too large, it has ${length} bytes and the limit is ${MAX_PAYLOAD_BYTES}`,
    );
  }
}
