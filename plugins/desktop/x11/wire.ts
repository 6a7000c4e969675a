/**
 * Putting X11 requests together: little-endian fields, padded to units of four bytes.
 *
 * @module
 */

/** A field of a request: how wide it is, and its value. */
export type Field =
  | readonly ["u8" | "u16" | "i16" | "u32", number]
  | readonly ["pad", number]
  | readonly [
    "bytes",
    Uint8Array,
  ];

const WIDTHS = { u8: 1, u16: 2, i16: 2, u32: 4 } as const;

/**
 * A request with its length filled in.
 *
 * @param opcode Major opcode. @param detail Second byte: a small argument, or an extension's minor opcode.
 */
export function x11Request(opcode: number, detail: number, ...fields: readonly Field[]): Uint8Array {
  const bytes = fields.reduce((sum, field) => sum + widthOf(field), 4);
  const whole = new Uint8Array(bytes + (-bytes & 3));
  const view = new DataView(whole.buffer);
  view.setUint8(0, opcode);
  view.setUint8(1, detail);
  view.setUint16(2, whole.byteLength / 4, true);
  let at = 4;
  for (const field of fields) {
    const [kind, value] = field;
    if (kind === "bytes") whole.set(value, at);
    else if (kind === "u8") view.setUint8(at, value);
    else if (kind === "u16") view.setUint16(at, value, true);
    else if (kind === "i16") view.setInt16(at, value, true);
    else if (kind === "u32") view.setUint32(at, value, true);
    at += widthOf(field);
  }
  return whole;
}

/** Zeros after the end, up to a multiple of four bytes. */
export function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.byteLength + (-bytes.byteLength & 3));
  whole.set(bytes);
  return whole;
}

/** One after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function widthOf(field: Field): number {
  if (field[0] === "bytes") return field[1].byteLength;
  return field[0] === "pad" ? field[1] : WIDTHS[field[0]];
}
