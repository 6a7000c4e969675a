/**
 * Cuts the bytes of a yamux session into frames, whatever chunks they arrive in.
 *
 * @module
 */
import { decodeHeader, type FrameHeader, FrameType, HEADER_BYTES, VERSION } from "./frame.ts";
import { YamuxError } from "./error.ts";

/** Where frames go. */
export interface FrameSink {
  /** A header arrived. The payload of a data frame follows in calls of {@linkcode payload}. */
  header(header: FrameHeader): void;
  /** Part of the payload of the last data header; parts add up to its length. Not called for empty payloads. */
  payload(streamId: number, part: Uint8Array): void;
}

/** Keeps at most one incomplete header; payloads are handed on as they come. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #partial = new Uint8Array(HEADER_BYTES);
  #partialBytes = 0;
  #bodyStream = 0;
  #bodyLeft = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Whether the bytes so far end with a whole frame. */
  get isBetweenFrames(): boolean {
    return this.#partialBytes === 0 && this.#bodyLeft === 0;
  }

  /** @throws {YamuxError} When a header has an unknown version or type. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      offset += this.#bodyLeft > 0 ? this.#takeBody(chunk, offset) : this.#takeHeader(chunk, offset);
    }
  }

  #takeBody(chunk: Uint8Array, offset: number): number {
    const count = Math.min(this.#bodyLeft, chunk.length - offset);
    this.#bodyLeft -= count;
    this.#sink.payload(this.#bodyStream, chunk.subarray(offset, offset + count));
    return count;
  }

  #takeHeader(chunk: Uint8Array, offset: number): number {
    if (this.#partialBytes === 0 && chunk.length - offset >= HEADER_BYTES) {
      this.#dispatch(decodeHeader(chunk, offset));
      return HEADER_BYTES;
    }
    const count = Math.min(HEADER_BYTES - this.#partialBytes, chunk.length - offset);
    this.#partial.set(chunk.subarray(offset, offset + count), this.#partialBytes);
    this.#partialBytes += count;
    if (this.#partialBytes === HEADER_BYTES) {
      this.#partialBytes = 0;
      this.#dispatch(decodeHeader(this.#partial));
    }
    return count;
  }

  #dispatch(header: FrameHeader): void {
    if (header.version !== VERSION) {
      throw new YamuxError(
        "protocol_error",
        `Cannot read the frame: version is ${header.version} and must be ${VERSION}`,
      );
    }
    if (header.type > FrameType.goAway) {
      throw new YamuxError("protocol_error", `Cannot read the frame: type ${header.type} is unknown`);
    }
    if (header.type === FrameType.data) {
      this.#bodyStream = header.streamId;
      this.#bodyLeft = header.length;
    }
    this.#sink.header(header);
  }
}
