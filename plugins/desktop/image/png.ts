/**
 * Writes PNG (RFC 2083): true colour, eight bits, no filter.
 *
 * A screen is mostly flat areas, which filters do not make smaller, and they cost more time than the compression.
 *
 * @module
 */
import { nextTurn } from "../../../core/next_turn.ts";
import type { Picture } from "./picture.ts";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** A third of the time of the usual 6, and a third more bytes: the picture is read once. */
const LEVEL = 3;
/** Pixels compressed in one go, at least a row. Those of a photograph, or of noise, take longer than any other work on them. */
const PIXELS_AT_ONCE = 64 * 1024;
const TRUE_COLOUR = 2;

/**
 * Encodes a picture. The compression is loaded when the first one comes: it belongs to Deno's Node layer. It runs in the only thread
 * there is, so other work gets its turn in between.
 *
 * @throws The signal's reason when it aborts meanwhile.
 */
export async function encodePng(picture: Picture, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const { crc32, createDeflate } = await import("node:zlib");
  const deflate = createDeflate({ level: LEVEL });
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, picture.width);
  header.setUint32(4, picture.height);
  header.setUint8(8, 8);
  header.setUint8(9, TRUE_COLOUR);
  const parts: Uint8Array[] = [SIGNATURE, chunkOf("IHDR", new Uint8Array(header.buffer), crc32)];
  const done = Promise.withResolvers<void>();
  deflate.on("data", (part: Uint8Array) => parts.push(chunkOf("IDAT", part, crc32)));
  deflate.on("end", () => done.resolve());
  deflate.on("error", done.reject);
  const rowsAtOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / picture.width));
  try {
    for (let row = 0; row < picture.height; row += rowsAtOnce) {
      const slab = unfiltered(picture, row, Math.min(picture.height, row + rowsAtOnce));
      await new Promise<void>((resolve) => deflate.write(slab, () => resolve()));
      await nextTurn();
      signal.throwIfAborted();
    }
  } catch (error) {
    deflate.destroy();
    throw error;
  }
  deflate.end();
  await done.promise;
  return joined([...parts, chunkOf("IEND", new Uint8Array(0), crc32)]);
}

function unfiltered({ width, rgb }: Picture, first: number, end: number): Uint8Array {
  const stride = width * 3;
  const slab = new Uint8Array((end - first) * (stride + 1));
  for (let row = first, at = 1; row < end; row++, at += stride + 1) {
    slab.set(rgb.subarray(row * stride, (row + 1) * stride), at);
  }
  return slab;
}

function chunkOf(type: string, content: Uint8Array, crc32: (bytes: Uint8Array) => number): Uint8Array {
  const chunk = new Uint8Array(content.byteLength + 12);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.byteLength);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(content, 8);
  view.setUint32(8 + content.byteLength, crc32(chunk.subarray(4, 8 + content.byteLength)));
  return chunk;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
