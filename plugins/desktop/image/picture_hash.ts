/**
 * What tells pictures apart.
 *
 * @module
 */
import { createHash } from "node:crypto";

import { nextTurn } from "../../../core/next_turn.ts";
import type { EncodedPicture, Picture } from "./picture.ts";

/** Bytes of a picture's SHA-256 that are told: enough to tell pictures apart, short enough to be sent around. */
const HASH_BYTES = 16;
/** Bytes hashed in one go: some milliseconds. A digest in one call would first copy the whole picture. */
const BYTES_AT_ONCE = 1024 * 1024;

/** Size and hash of a picture, as text. Other work gets its turn in between. @throws The signal's reason when it aborts meanwhile. */
export async function pictureHash(picture: Picture | EncodedPicture, signal: AbortSignal): Promise<string> {
  const bytes = picture.kind === "pixels" ? picture.rgb : picture.bytes;
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += BYTES_AT_ONCE) {
    hash.update(bytes.subarray(at, at + BYTES_AT_ONCE));
    await nextTurn();
    signal.throwIfAborted();
  }
  return `${picture.width}x${picture.height}-${hash.digest("hex").slice(0, 2 * HASH_BYTES)}`;
}
