/**
 * Where a piece of UTF-8 may be cut without breaking a character. RFC 3629, section 3.
 *
 * @module
 */

/** Longest character, in bytes. */
const MAX_CHARACTER_BYTES = 4;

/**
 * How much of `bytes` is left when a character that has begun and not ended at its end is taken away. Bytes that are no
 * UTF-8 anyway stay.
 */
export function completeUtf8Length(bytes: Uint8Array): number {
  const end = bytes.length;
  for (let at = end - 1; at >= 0 && end - at < MAX_CHARACTER_BYTES; at--) {
    const byte = bytes[at]!;
    if (isContinuation(byte)) continue;
    return at + characterBytes(byte) > end ? at : end;
  }
  return end;
}

/** How many bytes at the start of `bytes` belong to a character that began before. */
export function leadingContinuations(bytes: Uint8Array): number {
  let count = 0;
  while (count < MAX_CHARACTER_BYTES - 1 && count < bytes.length && isContinuation(bytes[count]!)) count++;
  return count;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Length that a character's first byte announces; 1 for bytes that cannot be a first one. */
function characterBytes(first: number): number {
  if (first >= 0xf0 && first <= 0xf4) return 4;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xc2 && first <= 0xdf ? 2 : 1;
}
