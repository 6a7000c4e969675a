import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { LineSplitter, sanitize } from "./line_splitter.ts";

Deno.test("LineSplitter splits at LF, drops one CR, and keeps an unfinished line until the end", () => {
  const lines = new LineSplitter();
  const bytes = (text: string) => new TextEncoder().encode(text);

  assertEquals(lines.write(bytes("a\r\nb\n\nc\r\r\nd")), ["a", "b", "", "c\r"]);
  assertEquals(lines.write(bytes("e\n")), ["de"]);
  assertEquals(lines.end(), []);
});

Deno.test("LineSplitter gives the same lines however the bytes are cut, also inside a character", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.nat(40)), (text, cuts) => {
    const bytes = new TextEncoder().encode(text);
    const whole = new LineSplitter();
    const expected = [...whole.write(bytes), ...whole.end()];

    const pieces = new LineSplitter();
    const found: string[] = [];
    let at = 0;
    for (const cut of cuts) {
      found.push(...pieces.write(bytes.subarray(at, Math.min(at + cut, bytes.length))));
      at = Math.min(at + cut, bytes.length);
    }
    found.push(...pieces.write(bytes.subarray(at)), ...pieces.end());

    assertEquals(found, expected);
  }));
});

Deno.test("LineSplitter keeps a bounded part of a line that does not end", () => {
  const lines = new LineSplitter();
  for (let mebibytes = 0; mebibytes < 4; mebibytes++) {
    assertEquals(lines.write(new Uint8Array(1024 * 1024).fill(0x61)), []);
  }

  const [long, short] = lines.write(new TextEncoder().encode("\nshort\n"));

  assertEquals([long?.length, short], [1024 * 1024, "short"]);
});

Deno.test("sanitize() replaces NUL and what is no UTF-8", () => {
  assertEquals(sanitize(new TextDecoder().decode(new Uint8Array([0x61, 0, 0xff, 0x62]))), "a\u274C\u274Cb");
});
