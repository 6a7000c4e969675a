import { assertEquals, assertThrows } from "@std/assert";

import fc from "fast-check";

import { DrpcProtocolError } from "./error.ts";
import { decodeMetadata, encodeMetadata } from "./metadata.ts";

Deno.test("metadata survives encoding, whatever texts it holds", () => {
  fc.assert(fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" })), (metadata) => {
    assertEquals(decodeMetadata(encodeMetadata(metadata)), { ...metadata });
  }));
});

Deno.test("encodeMetadata() writes a protobuf map in field 1", () => {
  assertEquals([...encodeMetadata({ a: "b" })], [0x0a, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62]);
  assertEquals([...encodeMetadata({})], []);
});

Deno.test("decodeMetadata() lets the last of a repeated key win, and fills a missing key or value with nothing", () => {
  const twice = [...encodeMetadata({ a: "1" }), ...encodeMetadata({ a: "2" })];

  assertEquals(decodeMetadata(Uint8Array.from(twice)), { a: "2" });
  assertEquals(decodeMetadata(Uint8Array.of(0x0a, 3, 0x0a, 1, 0x61)), { a: "" });
  assertEquals(decodeMetadata(Uint8Array.of(0x0a, 0)), { "": "" });
});

Deno.test("decodeMetadata() refuses what is cut off, unknown, too long or not UTF-8", () => {
  const malformed = [
    [0x0a],
    [0x0a, 9, 1],
    [0x12, 0],
    [0x0a, 2, 0x1a, 0],
    [0x0a, 3, 0x0a, 1, 0xff],
    [0x0a, ...Array(11).fill(0x80)],
  ];
  for (const bytes of malformed) assertThrows(() => decodeMetadata(Uint8Array.from(bytes)), DrpcProtocolError);
});

Deno.test("decodeMetadata() takes arbitrary bytes or refuses them", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    try {
      decodeMetadata(bytes);
    } catch (error) {
      if (!(error instanceof DrpcProtocolError)) throw error;
    }
  }));
});
