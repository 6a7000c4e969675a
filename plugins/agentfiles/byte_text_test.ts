import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { bytesToText, decodeText, encodeText, textToBytes } from "./byte_text.ts";

Deno.test("bytesToText() and textToBytes() lose no byte", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    const text = bytesToText(bytes);

    assertEquals(text.length, bytes.length);
    assertEquals([...textToBytes(text)], [...bytes]);
  }));
});

Deno.test("textToBytes() gives ASCII and other bytes alike", () => {
  assertEquals([...textToBytes("a\x7f")], [0x61, 0x7f]);
  assertEquals([...textToBytes("a\x80\xff")], [0x61, 0x80, 0xff]);
});

Deno.test("encodeText() and decodeText() carry any well-formed text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assertEquals(decodeText(encodeText(text)), text);
  }));
});

Deno.test("decodeText() shows bytes that are not UTF-8 as replacement characters", () => {
  assertEquals(decodeText("a\xffb"), "a\ufffdb");
});
