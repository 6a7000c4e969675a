/**
 * Metadata of a call: a small map of texts that travels before the call itself.
 *
 * @module
 */
import { DrpcProtocolError } from "./error.ts";
import { appendVarint, readVarint } from "./varint.ts";

/** Texts by name. */
export type CallMetadata = Readonly<Record<string, string>>;

/** Tag of the map, and of the key inside an entry: field 1, length-delimited. */
const ENTRY_TAG = 0x0a;
/** Tag of the value inside an entry: field 2, length-delimited. */
const VALUE_TAG = 0x12;

/** Encodes as protobuf `map<string, string>` in field 1. */
export function encodeMetadata(metadata: CallMetadata): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  for (const [key, value] of Object.entries(metadata)) {
    const entry: number[] = [];
    appendText(entry, ENTRY_TAG, key);
    appendText(entry, VALUE_TAG, value);
    out.push(ENTRY_TAG);
    appendVarint(out, BigInt(entry.length));
    for (const byte of entry) out.push(byte);
  }
  return new Uint8Array(out);
}

/** Decodes; of a repeated key the last wins. @throws {DrpcProtocolError} When the bytes are not such a map. */
export function decodeMetadata(bytes: Uint8Array): CallMetadata {
  const metadata = new Map<string, string>();
  for (let offset = 0; offset < bytes.length;) {
    const entry = takeField(bytes, offset);
    if (entry.tag !== ENTRY_TAG) throw malformed(`tag ${entry.tag} is unknown`);
    const [key, value] = decodeEntry(entry.data);
    metadata.set(key, value);
    offset = entry.end;
  }
  return Object.fromEntries(metadata);
}

function decodeEntry(bytes: Uint8Array): [key: string, value: string] {
  let key = "";
  let value = "";
  for (let offset = 0; offset < bytes.length;) {
    const field = takeField(bytes, offset);
    if (field.tag === ENTRY_TAG) key = decodeText(field.data);
    else if (field.tag === VALUE_TAG) value = decodeText(field.data);
    else throw malformed(`tag ${field.tag} is unknown`);
    offset = field.end;
  }
  return [key, value];
}

function takeField(bytes: Uint8Array, offset: number): { tag: number; data: Uint8Array; end: number } {
  const length = readLength(bytes, offset + 1);
  if (length === undefined || length.value > BigInt(bytes.length - length.end)) throw malformed("it is cut off");
  const end = length.end + Number(length.value);
  return { tag: bytes[offset]!, data: bytes.subarray(length.end, end), end };
}

function readLength(bytes: Uint8Array, offset: number): ReturnType<typeof readVarint> {
  try {
    return readVarint(bytes, offset);
  } catch (error) {
    throw malformed("a number is too long", error);
  }
}

function appendText(out: number[], tag: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  out.push(tag);
  appendVarint(out, BigInt(bytes.length));
  for (const byte of bytes) out.push(byte);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw malformed("a text is not UTF-8", error);
  }
}

function malformed(why: string, cause?: unknown): DrpcProtocolError {
  return new DrpcProtocolError(`protocol error: cannot read the metadata: ${why}`, { cause });
}
