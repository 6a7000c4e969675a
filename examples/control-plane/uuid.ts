/**
 * UUIDs of the control plane. Between bytes and text they are converted where the agent does it; here is what only this side
 * needs: the nil UUID as text, and ids made from names.
 *
 * @module
 */
import { createHash } from "node:crypto";

import { uuidText as textOfSome } from "../../core/uuid.ts";

export { uuidBytes } from "../../core/uuid.ts";

/** What a missing id looks like on the wire. */
export const NIL_UUID = "00000000-0000-0000-0000-000000000000";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` is a UUID with hyphens, in either case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The text of 16 bytes, the nil UUID included; `undefined` when there are not 16. */
export function uuidText(bytes: Uint8Array): string | undefined {
  return bytes.length === 16 ? textOfSome(bytes) ?? NIL_UUID : undefined;
}

/** Always the same UUID for the same parts (version 8 of RFC 9562), so that things without an id keep theirs from start to start. */
export function derivedUuid(...parts: readonly string[]): string {
  const bytes = new Uint8Array(createHash("sha256").update(JSON.stringify(parts)).digest()).slice(0, 16);
  bytes[6] = bytes[6]! & 0x0f | 0x80;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  return uuidText(bytes)!;
}
