/**
 * The yamux frame header: twelve bytes, big-endian.
 *
 * @module
 */

/** Bytes of a header. */
export const HEADER_BYTES = 12;
/** The only protocol version there is. */
export const VERSION = 0;

/** What a frame is. */
export const FrameType = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const;
/** Bits of a header's flags. */
export const Flag = { syn: 1, ack: 2, fin: 4, rst: 8 } as const;
/** Why a session ends, as sent in a go-away frame. */
export const GoAwayCode = { normal: 0, protocolError: 1, internalError: 2 } as const;

/** A decoded header. */
export interface FrameHeader {
  readonly version: number;
  readonly type: number;
  /** Combination of {@linkcode Flag} bits. */
  readonly flags: number;
  /** 0 for frames of the session itself. */
  readonly streamId: number;
  /** Data: bytes that follow. Window update: the grant. Ping: an opaque id. Go away: the code. */
  readonly length: number;
}

/** Encodes a header of version 0. */
export function encodeHeader(type: number, flags: number, streamId: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes[1] = type;
  bytes[2] = flags >>> 8;
  bytes[3] = flags;
  writeUint32(bytes, 4, streamId);
  writeUint32(bytes, 8, length);
  return bytes;
}

/** Decodes the header that starts at `offset`; at least {@linkcode HEADER_BYTES} must be there. */
export function decodeHeader(bytes: Uint8Array, offset = 0): FrameHeader {
  return {
    version: bytes[offset]!,
    type: bytes[offset + 1]!,
    flags: bytes[offset + 2]! << 8 | bytes[offset + 3]!,
    streamId: readUint32(bytes, offset + 4),
    length: readUint32(bytes, offset + 8),
  };
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24 | bytes[offset + 1]! << 16 | bytes[offset + 2]! << 8 | bytes[offset + 3]!) >>> 0;
}
