/**
 * The file that lets programs of one user, and nobody else, connect to an X server.
 *
 * @module
 */
import { concat } from "./wire.ts";

/** Any address, and any display: the file belongs to one server. */
const FAMILY_WILD = 0xffff;
const SCHEME = "MIT-MAGIC-COOKIE-1";

/** Content of a file for the server's option `-auth` and the variable `XAUTHORITY`. @param cookie 16 random bytes. */
export function authorityFile(cookie: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  const parts = [new Uint8Array(), new Uint8Array(), text.encode(SCHEME), cookie];
  const fields = parts.flatMap((part) => [big16(part.byteLength), part]);
  return concat(big16(FAMILY_WILD), ...fields);
}

function big16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
