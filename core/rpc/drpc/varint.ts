/**
 * Unsigned LEB128 numbers of up to 64 bits.
 *
 * @module
 */

/** Most bytes a 64-bit number takes. */
const MAX_VARINT_BYTES = 10;

/** A number and the offset behind it. */
export interface Varint {
  readonly value: bigint;
  readonly end: number;
}

/** Appends `value`, 0 to 2^64 - 1, to `out`. */
export function appendVarint(out: number[], value: bigint): void {
  if (value < 0x80n) {
    out.push(Number(value));
    return;
  }
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

/**
 * Reads the number at `offset`; `undefined` when it is cut off.
 *
 * @throws {RangeError} When it is longer than 64 bits can need.
 */
export function readVarint(bytes: Uint8Array, offset: number): Varint | undefined {
  let low = 0;
  for (let index = 0; index < MAX_VARINT_BYTES; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) return undefined;
    // Four bytes of seven bits fit a small integer; longer numbers take the slow road.
    if (index < 4) {
      low |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return { value: BigInt(low), end: offset + index + 1 };
    } else if (byte < 0x80) {
      return { value: decodeLong(bytes, offset, index + 1), end: offset + index + 1 };
    }
  }
  throw new RangeError(`Cannot read the number: it is longer than ${MAX_VARINT_BYTES} bytes`);
}

function decodeLong(bytes: Uint8Array, offset: number, count: number): bigint {
  let value = 0n;
  for (let index = count - 1; index >= 0; index--) value = value << 7n | BigInt(bytes[offset + index]! & 0x7f);
  return BigInt.asUintN(64, value);
}
