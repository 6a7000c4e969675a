/**
 * Records of an Xauthority file, as Xau(3) writes them: five fields in network order, strings with 16 bits of length.
 *
 * @module
 */

/** One cookie and what it opens. */
export interface XauthorityRecord {
  readonly family: number;
  readonly address: Uint8Array;
  /** Display number as text. */
  readonly display: Uint8Array;
  /** Name of the authentication protocol. */
  readonly protocol: Uint8Array;
  readonly cookie: Uint8Array;
}

/** Family of addresses that are the name of this machine. */
export const FAMILY_LOCAL = 0x0100;
/** Bytes of a number in front of each field. */
const NUMBER_BYTES = 2;

/** Makes the record that opens a display of this machine. */
export function localRecord(
  host: string,
  display: number,
  { protocol, cookie }: { readonly protocol: string; readonly cookie: Uint8Array },
): XauthorityRecord {
  const encoder = new TextEncoder();
  return {
    family: FAMILY_LOCAL,
    address: encoder.encode(host),
    display: encoder.encode(String(display)),
    protocol: encoder.encode(protocol),
    cookie,
  };
}

/** Reads a whole file. @throws {SyntaxError} When it ends within a record. */
export function decodeRecords(file: Uint8Array): XauthorityRecord[] {
  const records: XauthorityRecord[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  function number(): number {
    if (at + NUMBER_BYTES > file.length) throw cutShort();
    at += NUMBER_BYTES;
    return view.getUint16(at - NUMBER_BYTES);
  }
  function field(): Uint8Array {
    const length = number();
    if (at + length > file.length) throw cutShort();
    at += length;
    return file.subarray(at - length, at);
  }
  const cutShort = () => new SyntaxError(`record ${records.length + 1} is cut short`);
  while (at < file.length) {
    records.push({ family: number(), address: field(), display: field(), protocol: field(), cookie: field() });
  }
  return records;
}

/** Writes a whole file. */
export function encodeRecords(records: readonly XauthorityRecord[]): Uint8Array<ArrayBuffer> {
  const fields = records.map((record) => [record.address, record.display, record.protocol, record.cookie]);
  const bytes = fields.flat().reduce((sum, field) => sum + NUMBER_BYTES + field.length, records.length * NUMBER_BYTES);
  const file = new Uint8Array(bytes);
  const view = new DataView(file.buffer);
  let at = 0;
  function number(value: number): void {
    view.setUint16(at, value);
    at += NUMBER_BYTES;
  }
  for (const [index, record] of records.entries()) {
    number(record.family);
    for (const field of fields[index]!) {
      number(field.length);
      file.set(field, at);
      at += field.length;
    }
  }
  return file;
}

/**
 * Puts a record in: in the place of the first one for the same display and protocol whose cookie is as long, else at the end.
 * All others for them go.
 */
export function withRecord(records: readonly XauthorityRecord[], added: XauthorityRecord): XauthorityRecord[] {
  const place = records.find((record) => opensTheSame(record, added) && record.cookie.length === added.cookie.length);
  const kept = records.flatMap((record) => record === place ? [added] : opensTheSame(record, added) ? [] : [record]);
  return place === undefined ? [...kept, added] : kept;
}

/** Takes a record out. One with another cookie is somebody else's by now, and stays. */
export function withoutRecord(records: readonly XauthorityRecord[], gone: XauthorityRecord): XauthorityRecord[] {
  return records.filter((record) => !opensTheSame(record, gone) || !equalBytes(record.cookie, gone.cookie));
}

function opensTheSame(a: XauthorityRecord, b: XauthorityRecord): boolean {
  return a.family === b.family && equalBytes(a.address, b.address) && equalBytes(a.display, b.display) &&
    equalBytes(a.protocol, b.protocol);
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
