/**
 * The other end of a dRPC connection, packet by packet, for tests of what a client or server sends and how it takes what it gets.
 *
 * @module
 */
import type { ByteStream } from "../byte_stream.ts";
import { encodeFrame, type Packet } from "./packet.ts";
import { PacketReader } from "./packet_reader.ts";

/** What a test says of a packet; the rest has defaults. */
export type PacketParts = Partial<Packet> & Pick<Packet, "kind">;

/** Reads and writes single packets. */
export class RawPeer {
  /** Writes the transport made so far, in bytes: shows what left together. */
  readonly reads: number[] = [];
  readonly #transport: ByteStream;
  readonly #reader = new PacketReader();
  readonly #packets: Packet[] = [];
  readonly #nextMessage = new Map<bigint, bigint>();

  constructor(transport: ByteStream) {
    this.#transport = transport;
  }

  /** Sends packets in one write. Messages are numbered when they say nothing else; the stream is 1. */
  async send(...packets: PacketParts[]): Promise<void> {
    for (const { stream = 1n, message, ...parts } of packets) {
      const number = message ?? (this.#nextMessage.get(stream) ?? 1n);
      this.#nextMessage.set(stream, number + 1n);
      const packet = { control: false, data: new Uint8Array(0), ...parts, stream, message: number };
      await this.#transport.write(encodeFrame({ ...packet, done: true }));
    }
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): Promise<void> {
    return this.#transport.write(bytes);
  }

  /** The next packet; `null` at the end. */
  async receive(): Promise<Packet | null> {
    while (this.#packets.length === 0) {
      const chunk = await this.#transport.read();
      if (chunk === null) return null;
      this.reads.push(chunk.length);
      this.#packets.push(...this.#reader.push(chunk));
    }
    return this.#packets.shift()!;
  }

  /** The next packet as `stream:message kind text`; `null` at the end. */
  async receiveText(): Promise<string | null> {
    const packet = await this.receive();
    if (packet === null) return null;
    const text = new TextDecoder().decode(packet.data);
    return `${packet.stream}:${packet.message} ${packet.kind}${text === "" ? "" : ` ${text}`}`;
  }

  /** Hangs up. */
  close(): void {
    this.#transport.close();
  }
}
