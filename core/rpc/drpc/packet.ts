/**
 * Packets of dRPC and how they are cut into frames.
 *
 * @module
 */
import { appendVarint, readVarint } from "./varint.ts";

/** What a packet is. */
export const Kind = {
  invoke: 1,
  message: 2,
  error: 3,
  cancel: 4,
  close: 5,
  closeSend: 6,
  invokeMetadata: 7,
} as const;

/** Longest packet, in bytes, in both directions; the reference's limit. */
export const MAX_PACKET_BYTES = 4 * 1024 * 1024;
/** Payload bytes per frame when we send. Receivers take any size. */
export const SPLIT_BYTES = 64 * 1024;

/** One packet, whole. */
export interface Packet {
  /** One of {@linkcode Kind}, or an unknown number up to 63. */
  readonly kind: number;
  /** Control packets of an unknown kind are ignored, others are an error. */
  readonly control: boolean;
  readonly stream: bigint;
  readonly message: bigint;
  readonly data: Uint8Array;
}

/** Part of a packet as it travels. */
export interface Frame extends Packet {
  /** Last frame of its packet. */
  readonly done: boolean;
}

/** A frame and the offset behind it. */
export interface ParsedFrame {
  readonly frame: Frame;
  readonly end: number;
}

/** The header of a frame whose payload may not have arrived. */
export interface ParsedHeader {
  readonly frame: Frame;
  /** Where the payload starts. */
  readonly start: number;
  /** Bytes of payload; may exceed any limit. */
  readonly length: bigint;
}

/** Encodes one frame. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const head = [frame.kind << 1 | (frame.done ? 1 : 0) | (frame.control ? 0x80 : 0)];
  appendVarint(head, frame.stream);
  appendVarint(head, frame.message);
  appendVarint(head, BigInt(frame.data.length));
  const bytes = new Uint8Array(head.length + frame.data.length);
  bytes.set(head);
  bytes.set(frame.data, head.length);
  return bytes;
}

/** Cuts a packet into frames of at most `splitBytes` of payload; an empty packet is one frame. */
export function splitPacket(packet: Packet, splitBytes: number = SPLIT_BYTES): Frame[] {
  const frames: Frame[] = [];
  for (let offset = 0; offset === 0 || offset < packet.data.length; offset += splitBytes) {
    const data = packet.data.subarray(offset, offset + splitBytes);
    frames.push({ ...packet, data, done: offset + splitBytes >= packet.data.length });
  }
  return frames;
}

/**
 * Reads the header of the frame at `offset`; `undefined` when it is cut off. The frame's `data` is empty.
 *
 * @throws {RangeError} When a number is too long.
 */
export function parseHeader(bytes: Uint8Array, offset: number): ParsedHeader | undefined {
  const control = bytes[offset];
  if (control === undefined) return undefined;
  const stream = readVarint(bytes, offset + 1);
  const message = stream && readVarint(bytes, stream.end);
  const length = message && readVarint(bytes, message.end);
  if (!stream || !message || !length) return undefined;
  return {
    frame: {
      kind: control >> 1 & 0x3f,
      control: (control & 0x80) !== 0,
      done: (control & 1) !== 0,
      stream: stream.value,
      message: message.value,
      data: EMPTY,
    },
    start: length.end,
    length: length.value,
  };
}

/** Reads the frame at `offset`; `undefined` when it is cut off. @throws {RangeError} When a number is too long. */
export function parseFrame(bytes: Uint8Array, offset = 0): ParsedFrame | undefined {
  const header = parseHeader(bytes, offset);
  if (header === undefined || header.length > BigInt(bytes.length - header.start)) return undefined;
  const end = header.start + Number(header.length);
  return { frame: { ...header.frame, data: bytes.subarray(header.start, end) }, end };
}

const EMPTY = new Uint8Array(0);
