/**
 * Puts packets together again, whatever chunks their bytes arrive in.
 *
 * @module
 */
import { DrpcProtocolError } from "./error.ts";
import { type Frame, MAX_PACKET_BYTES, type Packet, parseHeader } from "./packet.ts";

/** Longest frame header: the control byte and three numbers of ten bytes. */
const MAX_HEADER_BYTES = 31;

/** Options of {@linkcode PacketReader}. */
export interface PacketReaderOptions {
  /** Longest packet, in bytes. Default {@linkcode MAX_PACKET_BYTES}. */
  readonly maxPacketBytes?: number;
}

interface Unfinished {
  readonly first: Frame;
  control: boolean;
  parts: Uint8Array[];
  bytes: number;
}

/** Turns chunks into packets and checks their order. Keeps at most one packet and one frame that are not complete. */
export class PacketReader {
  readonly #maxPacketBytes: number;
  #rest = new Uint8Array(0);
  #restBytes = 0;
  /** Bytes the frame at the start of the rest needs, so that it is not parsed again for every chunk. */
  #needed = 0;
  #unfinished: Unfinished | undefined;
  #nextStream = 1n;
  #nextMessage = 1n;

  constructor(options: PacketReaderOptions = {}) {
    this.#maxPacketBytes = options.maxPacketBytes ?? MAX_PACKET_BYTES;
  }

  /** Whether the bytes so far end with a whole packet. */
  get isBetweenPackets(): boolean {
    return this.#restBytes === 0 && this.#unfinished === undefined;
  }

  /** Takes a chunk, which belongs to the packets from now on. @throws {DrpcProtocolError} When the bytes break a rule. */
  push(chunk: Uint8Array): Packet[] {
    const packets: Packet[] = [];
    let bytes = chunk;
    if (this.#restBytes > 0) {
      this.#keep(chunk);
      if (this.#restBytes < this.#needed) return packets;
      bytes = this.#rest.subarray(0, this.#restBytes);
      this.#rest = new Uint8Array(0);
      this.#restBytes = 0;
    }
    let offset = 0;
    while (offset < bytes.length) {
      const end = this.#takeFrame(bytes, offset, packets);
      if (end === undefined) break;
      offset = end;
    }
    if (offset < bytes.length) this.#keep(bytes.subarray(offset));
    return packets;
  }

  #takeFrame(bytes: Uint8Array, offset: number, packets: Packet[]): number | undefined {
    const header = parseHeaderOf(bytes, offset);
    if (header === undefined) {
      this.#needed = 0;
      return undefined;
    }
    const { frame, start, length } = header;
    const before = this.#continues(frame) ? this.#unfinished!.bytes : 0;
    this.#check(frame);
    if (length > BigInt(this.#maxPacketBytes - before)) {
      throw new DrpcProtocolError(
        `protocol error: data overflow: a packet is longer than ${this.#maxPacketBytes} bytes`,
      );
    }
    const end = start + Number(length);
    if (end > bytes.length) {
      this.#needed = end - offset;
      return undefined;
    }
    const packet = this.#add(frame, bytes.subarray(start, end));
    if (packet !== undefined) packets.push(packet);
    return end;
  }

  #continues(frame: Frame): boolean {
    const first = this.#unfinished?.first;
    return first !== undefined && first.stream === frame.stream && first.message === frame.message;
  }

  #check(frame: Frame): void {
    const { stream, message } = frame;
    const isOld = stream < this.#nextStream || (stream === this.#nextStream && message < this.#nextMessage);
    if (stream === 0n || message === 0n || isOld) {
      throw new DrpcProtocolError(
        `protocol error: id monotonicity violation: got ${stream}:${message} after ${this.#nextStream}:${this.#nextMessage}`,
      );
    }
    if (this.#continues(frame) && this.#unfinished!.first.kind !== frame.kind) {
      throw new DrpcProtocolError(
        `protocol error: packet kind change: from ${this.#unfinished!.first.kind} to ${frame.kind}`,
      );
    }
  }

  #add(frame: Frame, data: Uint8Array): Packet | undefined {
    // A new id before the last packet was done: its sender interrupted itself.
    if (!this.#continues(frame)) this.#unfinished = { first: frame, control: false, parts: [], bytes: 0 };
    const unfinished = this.#unfinished!;
    unfinished.control ||= frame.control;
    if (data.length > 0) addPart(unfinished, data);
    this.#nextStream = frame.stream;
    this.#nextMessage = frame.done ? frame.message + 1n : frame.message;
    if (!frame.done) return undefined;
    this.#unfinished = undefined;
    const { kind, stream, message } = frame;
    return { kind, control: unfinished.control, stream, message, data: join(unfinished.parts, unfinished.bytes) };
  }

  #keep(bytes: Uint8Array): void {
    const total = this.#restBytes + bytes.length;
    if (total > this.#rest.length) {
      const grown = new Uint8Array(Math.max(total, Math.min(this.#needed, this.#rest.length * 2), MAX_HEADER_BYTES));
      grown.set(this.#rest.subarray(0, this.#restBytes));
      this.#rest = grown;
    }
    this.#rest.set(bytes, this.#restBytes);
    this.#restBytes = total;
  }
}

/** Parts shorter than this join their neighbour, so that many tiny frames do not cost an object each. */
const SMALL_PART_BYTES = 1024;

function addPart(unfinished: Unfinished, data: Uint8Array): void {
  unfinished.bytes += data.length;
  const last = unfinished.parts.at(-1);
  if (last !== undefined && last.length + data.length <= SMALL_PART_BYTES) {
    unfinished.parts[unfinished.parts.length - 1] = join([last, data], last.length + data.length);
  } else unfinished.parts.push(data);
}

function parseHeaderOf(bytes: Uint8Array, offset: number): ReturnType<typeof parseHeader> {
  try {
    return parseHeader(bytes, offset);
  } catch (error) {
    throw new DrpcProtocolError("protocol error: a number is too long", { cause: error });
  }
}

function join(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const joined = new Uint8Array(bytes);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
