/**
 * The outgoing side of a dRPC connection: packets become frames and wait for a flush.
 *
 * @module
 */
import type { ByteStream } from "../byte_stream.ts";
import { encodeFrame, type Packet, splitPacket } from "./packet.ts";

/** Bytes that wait before they are flushed without being asked for. */
const FLUSH_AT_BYTES = 4096;

/** Joins packets into few writes, in order. */
export class PacketWriter {
  readonly #transport: ByteStream;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(transport: ByteStream) {
    this.#transport = transport;
  }

  /** Bytes that wait for a flush. */
  get bufferedBytes(): number {
    return this.#bytes;
  }

  /** Queues a packet; resolves at once unless so much waits that it is flushed now. @throws {Error} When the transport broke. */
  write(packet: Packet): Promise<void> {
    for (const frame of splitPacket(packet)) {
      const bytes = encodeFrame(frame);
      this.#frames.push(bytes);
      this.#bytes += bytes.length;
    }
    return this.#bytes >= FLUSH_AT_BYTES ? this.flush() : Promise.resolve();
  }

  /** Writes what waits. @throws {Error} When the transport broke. */
  flush(): Promise<void> {
    if (this.#bytes === 0) return this.#tail;
    const batch = join(this.#frames, this.#bytes);
    this.#frames = [];
    this.#bytes = 0;
    const written = this.#tail.then(() => this.#transport.write(batch));
    // Whoever waits for `written` sees the error; later flushes fail by themselves.
    this.#tail = written.catch(() => {});
    return written;
  }
}

function join(frames: readonly Uint8Array[], bytes: number): Uint8Array {
  if (frames.length === 1) return frames[0]!;
  const batch = new Uint8Array(bytes);
  let offset = 0;
  for (const frame of frames) {
    batch.set(frame, offset);
    offset += frame.length;
  }
  return batch;
}
