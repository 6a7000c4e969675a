/**
 * UUIDs as the protocol carries them: 16 bytes on the wire, text everywhere else.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { decodeHex, encodeHex } from "@std/encoding/hex";

/** What a missing id looks like on the wire. */
export const NIL_UUID = "00000000-0000-0000-0000-000000000000";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` is a UUID with hyphens, in either case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The 16 bytes of a UUID. */
export function uuidBytes(text: string): Uint8Array {
  return decodeHex(text.replaceAll("-", ""));
}

/** The text of 16 bytes, or `undefined` when there are not 16. */
export function uuidText(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 16) return undefined;
  return encodeHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Always the same UUID for the same parts (version 8 of RFC 9562), so that things without an id keep theirs from start to start. */
export function derivedUuid(...parts: readonly string[]): string {
  const bytes = new Uint8Array(createHash("sha256").update(JSON.stringify(parts)).digest()).slice(0, 16);
  bytes[6] = bytes[6]! & 0x0f | 0x80;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  return uuidText(bytes)!;
}
