import { assertEquals, assertThrows } from "@std/assert";

import fc from "fast-check";

import { JsoncSyntaxError, parseJsonc } from "./jsonc_document.ts";

Deno.test("parseJsonc() takes comments, trailing commas and a byte order mark", () => {
  const document = parseJsonc('\uFEFF// top\n{ "a": [1, 2,], /* b */ "c": "x", }');

  assertEquals(document.value, { a: [1, 2], c: "x" });
});

Deno.test("parseJsonc() knows line and column of every value", () => {
  const document = parseJsonc('{\n  "a": { "b": true }, // "c": 1\n  "d": [10,\n    20]\n}');

  assertEquals(Object.fromEntries(document.places), {
    "": { line: 1, column: 1 },
    "a": { line: 2, column: 8 },
    "a.b": { line: 2, column: 15 },
    "d": { line: 3, column: 8 },
    "d.0": { line: 3, column: 9 },
    "d.1": { line: 4, column: 5 },
  });
});

Deno.test("parseJsonc() is not misled by brackets, quotes and comment marks inside strings", () => {
  const document = parseJsonc('{ "a\\"}": "// ] \\\\", "b": "/*" }');

  assertEquals(document.value, { 'a"}': "// ] \\", b: "/*" });
  assertEquals(document.places.get("b"), { line: 1, column: 27 });
});

Deno.test("parseJsonc() names keys that are given twice", () => {
  const document = parseJsonc('{ "a": { "x": 1,\n "x": 2 } }');

  assertEquals(document.duplicates, [{ path: "a.x", place: { line: 2, column: 2 } }]);
});

for (
  const [text, line, column, what] of [
    ['{\n  "a": nope\n}', 2, 8, '"nope" is not expected here'],
    ['{ "a": 1 "b": 2 }', 1, 10, '"b" is not expected here: is a comma missing before it?'],
    ['{\r\n  "a": 1', 2, 9, "ends too early"],
    ["", 1, 1, "ends too early"],
    ['{ "a": "open }', 1, 8, "is not expected here"],
  ] as const
) {
  Deno.test(`parseJsonc() points at the mistake in ${JSON.stringify(text)}`, () => {
    const error = assertThrows(() => parseJsonc(text), JsoncSyntaxError, what);

    assertEquals(error.place, { line, column });
  });
}

Deno.test("parseJsonc() finds a place for every member of any JSON value", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    const { value, places, duplicates } = parseJsonc(text);

    const paths = new Set<string>();
    collect(value, [], paths);
    for (const path of paths) if (!places.has(path)) throw new Error(`no place for "${path}"`);
    assertEquals(duplicates, []);
  }));
});

function collect(value: unknown, path: readonly string[], into: Set<string>): void {
  into.add(path.join("."));
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) collect(inner, [...path, key], into);
}
