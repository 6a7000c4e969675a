import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { bytePathFrom, bytePathOf, bytesOf, pathList, quote, textOf, unquote } from "./byte_path.ts";

Deno.test("bytePathFrom() and bytesOf() undo each other for all bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
    assertEquals([...bytesOf(bytePathFrom(bytes))], [...bytes]);
  }));
});

Deno.test("textOf() shows UTF-8 names as text and other bytes as U+FFFD", () => {
  assertEquals(textOf(bytePathOf("grün")), "grün");
  assertEquals(textOf("\xff.txt"), "\ufffd.txt");
});

Deno.test("unquote() reads letters, octal bytes and quotes", () => {
  assertEquals(unquote('"a/we\\nird \\"x\\" \\\\ \\377"'), 'a/we\nird "x" \\ \xff');
  assertEquals(unquote("a/plain"), "a/plain");
});

Deno.test("pathList() ends every path with NUL", () => {
  assertEquals([...pathList(["a", "\xff"])], [97, 0, 255, 0]);
});

Deno.test("quote() and unquote() undo each other for all bytes", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    const path = bytePathFrom(bytes).replaceAll('"', "'");
    assertEquals(unquote(quote(path)), path);
  }));
});
