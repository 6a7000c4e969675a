/**
 * Pictures as text.
 *
 * @module
 */
import { Buffer } from "node:buffer";

import { nextTurn } from "../../../core/next_turn.ts";

/** Bytes turned into text in one go: some milliseconds. A multiple of three, so that no group of digits is cut. */
const BYTES_AT_ONCE = 3 * 512 * 1024;

/** A picture in base64. Other work gets its turn in between. @throws The signal's reason when it aborts meanwhile. */
export async function base64Of(bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<string> {
  let text = "";
  for (let at = 0; at < bytes.length; at += BYTES_AT_ONCE) {
    const { buffer, byteOffset, length } = bytes.subarray(at, at + BYTES_AT_ONCE);
    text += Buffer.from(buffer, byteOffset, length).toString("base64");
    await nextTurn();
    signal.throwIfAborted();
  }
  return text;
}
