/**
 * The other end of a yamux session, frame by frame, for tests of what a session sends and how it takes what it gets.
 *
 * @module
 */
import { bytePipe } from "../byte_pipe.ts";
import type { ByteStream } from "../byte_stream.ts";
import { decodeHeader, encodeHeader, type FrameHeader, FrameType, HEADER_BYTES } from "./frame.ts";
import type { YamuxOptions } from "./options.ts";
import { YamuxSession } from "./session.ts";

/** A frame with its payload. */
export interface RawFrame extends FrameHeader {
  readonly data: Uint8Array;
}

/** Makes a session and the raw peer it talks to. */
export function sessionWithRawPeer(
  options: YamuxOptions,
  highWaterBytes?: number,
): { session: YamuxSession; peer: RawPeer } {
  const [ours, theirs] = bytePipe({ highWaterBytes });
  return { session: new YamuxSession(ours, options), peer: new RawPeer(theirs) };
}

/** Reads and writes single frames. */
export class RawPeer {
  readonly #transport: ByteStream;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(transport: ByteStream) {
    this.#transport = transport;
  }

  /** Sends a frame; `length` is that of the data unless it is given. */
  send(type: number, flags: number, streamId: number, length: number | Uint8Array = 0): Promise<void> {
    if (typeof length === "number") return this.sendBytes(encodeHeader(type, flags, streamId, length));
    const header = encodeHeader(type, flags, streamId, length.length);
    const frame = new Uint8Array(HEADER_BYTES + length.length);
    frame.set(header);
    frame.set(length, HEADER_BYTES);
    return this.sendBytes(frame);
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): Promise<void> {
    return this.#transport.write(bytes);
  }

  /** The next frame; `null` at the end. */
  async receive(): Promise<RawFrame | null> {
    if (!await this.#fill(HEADER_BYTES)) return null;
    const header = decodeHeader(this.#rest);
    const dataBytes = header.type === FrameType.data ? header.length : 0;
    if (!await this.#fill(HEADER_BYTES + dataBytes)) return null;
    const data = this.#rest.slice(HEADER_BYTES, HEADER_BYTES + dataBytes);
    this.#rest = this.#rest.subarray(HEADER_BYTES + dataBytes);
    return { ...header, data };
  }

  /** The next frame as `[type, flags, streamId, length]`; `null` at the end. */
  async receiveHeader(): Promise<readonly number[] | null> {
    const frame = await this.receive();
    return frame === null ? null : [frame.type, frame.flags, frame.streamId, frame.length];
  }

  /** Hangs up. */
  close(): void {
    this.#transport.close();
  }

  async #fill(bytes: number): Promise<boolean> {
    while (this.#rest.length < bytes) {
      const chunk = await this.#transport.read();
      if (chunk === null) return false;
      const joined = new Uint8Array(this.#rest.length + chunk.length);
      joined.set(this.#rest);
      joined.set(chunk, this.#rest.length);
      this.#rest = joined;
    }
    return true;
  }
}
