import { assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { crc32, inflateSync } from "node:zlib";

import { nextTurn } from "../../../core/next_turn.ts";
import { base64Of } from "./base64.ts";
import { type Picture, pictureOf, resized } from "./picture.ts";
import { pictureHash } from "./picture_hash.ts";
import { encodePng } from "./png.ts";

const NEVER = new AbortController().signal;

function picture(width: number, height: number, ...rgb: number[]): Picture {
  return { kind: "pixels", width, height, rgb: Uint8Array.from(rgb) };
}

Deno.test("pictureOf() reads 24 bits: blue, green, red, unused", async () => {
  assertEquals(
    await pictureOf(Uint8Array.of(3, 2, 1, 0, 6, 5, 4, 0), { width: 2, height: 1 }, 24, NEVER),
    picture(2, 1, 1, 2, 3, 4, 5, 6),
  );
});

Deno.test("pictureOf() reads 16 bits over their full range, in rows padded to four bytes", async () => {
  const red = 0b11111_000000_00000, green = 0b00000_111111_00000, blue = 0b00000_000000_11111;
  const row = (pixel: number) => [pixel & 0xff, pixel >> 8, 0, 0];
  const bytes = Uint8Array.of(...row(red), ...row(green), ...row(blue));

  const { rgb } = await pictureOf(bytes, { width: 1, height: 3 }, 16, NEVER);

  assertEquals(rgb, Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255));
});

Deno.test("resized() averages what a new pixel covers", async () => {
  const four = picture(2, 2, ...[0, 0, 0], ...[100, 0, 0], ...[100, 0, 0], ...[200, 0, 0]);
  const half = await resized(four, { width: 1, height: 1 }, NEVER);
  const wider = await resized(picture(2, 1, ...[0, 0, 0], ...[90, 90, 90]), { width: 3, height: 1 }, NEVER);

  assertEquals(half, picture(1, 1, 100, 0, 0));
  assertEquals(wider, picture(3, 1, ...[0, 0, 0], ...[45, 45, 45], ...[90, 90, 90]));
});

Deno.test("resized() keeps a flat colour in every size", async () => {
  const flat = picture(7, 5, ...Array.from({ length: 7 * 5 * 3 }, () => 77));
  for (const [width, height] of [[3, 2], [7, 1], [13, 11], [1, 1]] as const) {
    const { rgb } = await resized(flat, { width, height }, NEVER);
    assertEquals(new Set(rgb), new Set([77]), `${width}x${height}`);
  }
});

Deno.test("encodePng() writes every pixel, more rows and more bytes than it compresses at once", async () => {
  const width = 700, height = 150;
  const stride = width * 3;
  const rgb = crypto.getRandomValues(new Uint8Array(65_536));
  const noise = Uint8Array.from({ length: stride * height }, (_, index) => rgb[(index * 31) & 0xffff]!);

  const png = await encodePng({ kind: "pixels", width, height, rgb: noise }, NEVER);

  const [header, ...more] = chunksOf(png);
  const view = new DataView(header!.content.buffer);
  const packed = more.filter(({ type }) => type === "IDAT").map(({ content }) => content);
  const rows = inflateSync(new Uint8Array(await new Blob(packed).arrayBuffer()));
  assertEquals([view.getUint32(0), view.getUint32(4), view.getUint8(8), view.getUint8(9)], [width, height, 8, 2]);
  assertEquals(more.at(-1)?.type, "IEND");
  for (let row = 0; row < height; row++) {
    const at = row * (stride + 1) + 1;
    assertEquals(new Uint8Array(rows.subarray(at, at + stride)), noise.subarray(row * stride, (row + 1) * stride));
  }
});

/** Chunks of a PNG, each with the right checksum. */
function chunksOf(png: Uint8Array): readonly { readonly type: string; readonly content: Uint8Array<ArrayBuffer> }[] {
  const view = new DataView(png.buffer);
  const chunks = [];
  for (let at = 8; at < png.length;) {
    const end = at + 8 + view.getUint32(at);
    assertEquals(view.getUint32(end), crc32(png.subarray(at + 4, end)));
    chunks.push({ type: new TextDecoder().decode(png.subarray(at + 4, at + 8)), content: png.slice(at + 8, end) });
    at = end + 4;
  }
  return chunks;
}

/** Side of a picture, in pixels, that takes more than two slices of any work. */
const SIDE = 1024;
const large = (): Picture => ({ kind: "pixels", width: SIDE, height: SIDE, rgb: new Uint8Array(SIDE * SIDE * 3) });

/** Work on a picture of 1024 by 1024 pixels. */
const WORK: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
  "pictureOf()": (signal) => pictureOf(new Uint8Array(SIDE * SIDE * 4), { width: SIDE, height: SIDE }, 24, signal),
  "pictureOf() of 16 bits": (signal) =>
    pictureOf(new Uint8Array(SIDE * SIDE * 2), { width: SIDE, height: SIDE }, 16, signal),
  "resized()": (signal) => resized(large(), { width: 100, height: 100 }, signal),
  "resized() to one pixel": (signal) => resized(large(), { width: 1, height: 1 }, signal),
  "encodePng()": (signal) => encodePng(large(), signal),
  "pictureHash()": (signal) => pictureHash(large(), signal),
  "base64Of()": (signal) => base64Of(new Uint8Array(SIDE * SIDE * 6), signal),
};
for (const [name, work] of Object.entries(WORK)) {
  Deno.test(`${name} lets other work have its turn in between, and ends when nobody wants the picture any more`, async () => {
    await work(NEVER); // What it loads, it has loaded.
    let [turns, isDone] = [0, false];
    const others = (async () => {
      for (; !isDone; turns++) await nextTurn();
    })();

    await work(NEVER);
    isDone = true;
    const meanwhile = turns;
    await others;
    const gone = new AbortController();
    const ended = assertRejects(() => work(gone.signal), Error, "gone");
    gone.abort(new Error("gone"));
    await ended;

    assertGreaterOrEqual(meanwhile, 2);
  });
}
