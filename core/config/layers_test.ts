import { assertEquals, assertThrows } from "@std/assert";

import { mergeLayers, nested, parseSetting } from "./layers.ts";

function layer(source: string, value: unknown) {
  return { source, value, baseDir: `/${source}` };
}

Deno.test("mergeLayers() merges objects and replaces everything else", () => {
  const { value } = mergeLayers([
    layer("file", { a: { x: 1, y: [1, 2] }, b: 1 }),
    layer("flag", { a: { y: [3] }, b: { c: 2 } }),
  ]);

  assertEquals(value, { a: { x: 1, y: [3] }, b: { c: 2 } });
});

Deno.test("mergeLayers() remembers who gave each value, or the nearest value around it", () => {
  const { originOf } = mergeLayers([layer("file", { a: { x: 1 } }), layer("flag", { a: { y: { z: 1 } } })]);

  assertEquals(originOf(["a", "x"]), { source: "file", baseDir: "/file" });
  assertEquals(originOf(["a", "y", "z"])?.source, "flag");
  assertEquals(originOf(["a", "x", "deeper"])?.source, "file");
  assertEquals(mergeLayers([]).originOf(["a"]), undefined);
});

Deno.test("mergeLayers() shares nothing with its layers", () => {
  const below = { a: { x: 1 } };

  mergeLayers([layer("file", below), layer("flag", { a: { x: 2 } })]);

  assertEquals(below, { a: { x: 1 } });
});

Deno.test("mergeLayers() keeps __proto__ an ordinary key", () => {
  const evil = JSON.parse('{ "__proto__": { "polluted": true } }');

  const { value } = mergeLayers([layer("file", {}), layer("flag", evil)]);

  assertEquals(Object.keys(value as object), ["__proto__"]);
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});

for (
  const [text, value] of [
    ["a.b=8", 8],
    ["a.b=true", true],
    ["a.b=null", null],
    ["a.b=debug", "debug"],
    ['a.b="8"', "8"],
    ['a.b=["x"]', ["x"]],
    ["a.b=127.0.0.1:80", "127.0.0.1:80"],
    ["a.b=x=y", "x=y"],
    ["a.b=", ""],
  ] as const
) {
  Deno.test(`parseSetting() reads ${text}`, () => {
    assertEquals<unknown>(parseSetting(text), { path: ["a", "b"], value });
  });
}

Deno.test("parseSetting() refuses a text without = and an empty part of the path", () => {
  assertThrows(() => parseSetting("a.b"), SyntaxError, "expected PATH=VALUE");
  assertThrows(() => parseSetting("a..b=1"), SyntaxError, "empty part");
  assertThrows(() => parseSetting("=1"), SyntaxError, "empty part");
});

Deno.test("nested() wraps a value in one object per part", () => {
  assertEquals(nested(["a", "b"], 1), { a: { b: 1 } });
});
