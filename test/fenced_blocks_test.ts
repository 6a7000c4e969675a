import { assertEquals, assertThrows } from "@std/assert";

import { containsOutput, fencedBlocks } from "./fenced_blocks.ts";

Deno.test("fencedBlocks() finds language, code and line of each block", () => {
  const found = fencedBlocks("# Title\n\n```sh\none\n\ntwo\n```\n\ntext\n\n```ts ignored words\nx\n```\n");

  assertEquals(found, [
    { language: "sh", code: "one\n\ntwo", line: 3 },
    { language: "ts", code: "x", line: 11 },
  ]);
});

Deno.test("fencedBlocks() takes the markers directly above a block, also over several lines", () => {
  const found = fencedBlocks(
    "<!-- output: hi … there -->\n\n```sh\na\n```\n<!-- output:\none\ntwo\n-->\n```sh\nb\n```\n<!-- not run: needs root -->\n```sh\nc\n```\n```sh\nd\n```\n",
  );

  assertEquals(found.map(({ code, output, notRun }) => ({ code, output, notRun })), [
    { code: "a", output: "hi … there", notRun: undefined },
    { code: "b", output: "one\ntwo", notRun: undefined },
    { code: "c", output: undefined, notRun: "needs root" },
    { code: "d", output: undefined, notRun: undefined },
  ]);
});

Deno.test("fencedBlocks() leaves other comments alone, and fences inside longer fences", () => {
  const found = fencedBlocks("<!-- table: start -->\ntext\n\n````md\n```sh\nx\n```\n````\n");

  assertEquals(found, [{ language: "md", code: "```sh\nx\n```", line: 4 }]);
});

Deno.test("fencedBlocks() takes the indentation of a list off the code", () => {
  assertEquals(fencedBlocks("1. Do\n\n   ```sh\n   a\n     b\n   ```\n")[0]?.code, "a\n  b");
});

Deno.test("fencedBlocks() refuses a marker without a text or without a block, and a fence without an end", () => {
  assertThrows(() => fencedBlocks("<!-- not run: -->\n```sh\nx\n```\n"), SyntaxError, "says nothing");
  assertThrows(() => fencedBlocks("<!-- output: x -->\ntext\n```sh\nx\n```\n"), SyntaxError, "no block follows");
  assertThrows(() => fencedBlocks("```sh\nx\n"), SyntaxError, "end of the block that opens in line 1");
});

Deno.test("containsOutput() compares literally but for … and white space at line ends", () => {
  assertEquals(containsOutput("pid 12 (x) \nbye\n", "pid … (x)\nbye"), true);
  assertEquals(containsOutput("a\nb\nc", "b"), true);
  assertEquals(containsOutput("axb", "a.b"), false);
});
