/**
 * File contents as strings that lose nothing.
 *
 * A *byte text* holds one byte per character, U+0000 to U+00FF. Searching and slicing it is as fast as for any string, and
 * a file that is not valid UTF-8, or mixes encodings, leaves an edit with every untouched byte as it was. Text of people
 * enters through {@linkcode encodeText} and leaves through {@linkcode decodeText}.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** UTF-8 byte order mark as byte text. */
export const BYTE_ORDER_MARK = "\xef\xbb\xbf";

/** Bytes as byte text. */
export function bytesToText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Byte text as bytes, in a buffer of its own. */
export function textToBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  // The native encoder is several times faster than any loop, and right as long as it meets ASCII only.
  const { read, written } = new TextEncoder().encodeInto(text, bytes);
  if (read === text.length && written === text.length) return bytes;
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Ordinary text as byte text of its UTF-8 form. Lone surrogates become U+FFFD. */
export function encodeText(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** Byte text as ordinary text; bytes that are not UTF-8 become U+FFFD. */
export function decodeText(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, "latin1").toString("utf8");
}

// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
