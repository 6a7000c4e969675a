/**
 * UUIDs between their 16 bytes on the wire and their text.
 *
 * @module
 */

/** Text of a UUID; `undefined` for the nil UUID and for anything that is not 16 bytes. */
export function uuidText(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 16 || bytes.every((byte) => byte === 0)) return undefined;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** @throws {TypeError} If `text` is not a UUID. */
export function uuidBytes(text: string): Uint8Array<ArrayBuffer> {
  const hex = text.replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new TypeError(`Cannot read "${text}" as a UUID`);
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
