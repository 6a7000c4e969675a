import { assertEquals } from "@std/assert";
import { inflateSync } from "node:zlib";

import { type Picture, pictureOf, resized } from "./picture.ts";
import { encodePng } from "./png.ts";

function picture(width: number, height: number, ...rgb: number[]): Picture {
  return { kind: "pixels", width, height, rgb: Uint8Array.from(rgb) };
}

Deno.test("pictureOf() reads 24 bits: blue, green, red, unused", () => {
  assertEquals(
    pictureOf(Uint8Array.of(3, 2, 1, 0, 6, 5, 4, 0), { width: 2, height: 1 }, 24),
    picture(2, 1, 1, 2, 3, 4, 5, 6),
  );
});

Deno.test("pictureOf() reads 16 bits over their full range, in rows padded to four bytes", () => {
  const red = 0b11111_000000_00000, green = 0b00000_111111_00000, blue = 0b00000_000000_11111;
  const row = (pixel: number) => [pixel & 0xff, pixel >> 8, 0, 0];
  const bytes = Uint8Array.of(...row(red), ...row(green), ...row(blue));

  assertEquals(pictureOf(bytes, { width: 1, height: 3 }, 16).rgb, Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255));
});

Deno.test("resized() averages what a new pixel covers", () => {
  const half = resized(picture(2, 2, ...[0, 0, 0], ...[100, 0, 0], ...[100, 0, 0], ...[200, 0, 0]), {
    width: 1,
    height: 1,
  });
  const wider = resized(picture(2, 1, ...[0, 0, 0], ...[90, 90, 90]), { width: 3, height: 1 });

  assertEquals(half, picture(1, 1, 100, 0, 0));
  assertEquals(wider, picture(3, 1, ...[0, 0, 0], ...[45, 45, 45], ...[90, 90, 90]));
});

Deno.test("resized() keeps a flat colour in every size", () => {
  const flat = picture(7, 5, ...Array.from({ length: 7 * 5 * 3 }, () => 77));
  for (const [width, height] of [[3, 2], [7, 1], [13, 11], [1, 1]] as const) {
    assertEquals(new Set(resized(flat, { width, height }).rgb), new Set([77]), `${width}x${height}`);
  }
});

Deno.test("encodePng() writes every pixel, more rows than it compresses at once", async () => {
  const width = 3, height = 150;
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, index) => index % 251);

  const png = await encodePng({ kind: "pixels", width, height, rgb });

  const view = new DataView(png.buffer);
  assertEquals([view.getUint32(16), view.getUint32(20), png[24], png[25]], [width, height, 8, 2]);
  const length = view.getUint32(33);
  const rows = inflateSync(png.slice(41, 41 + length));
  const pixels = Array.from({ length: height }, (_, row) => [...rows.subarray(row * 10 + 1, row * 10 + 10)]).flat();
  assertEquals(Uint8Array.from(pixels), rgb);
});
