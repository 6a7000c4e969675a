import { assertEquals, assertThrows } from "@std/assert";

import { changeBlock } from "./marked_block.ts";

const BLOCK = "# >>> outpost a\nHost a\n# <<< outpost a\n";

Deno.test("changeBlock() puts a block at the end, once, and takes it out again", () => {
  for (const before of ["", "Host *\n  Port 22\n"]) {
    const once = changeBlock({ text: before, name: "a" }, ["Host a"]);
    const twice = changeBlock({ text: once.text, name: "a" }, ["Host a"]);
    const gone = changeBlock({ text: once.text, name: "a" }, []);

    assertEquals(once.text, before + BLOCK);
    assertEquals(twice, { text: once.text, removed: [], added: [] });
    assertEquals([gone.text, gone.removed.length, gone.added], [before, 3, []]);
  }
});

Deno.test("changeBlock() ends an unfinished last line first", () => {
  assertEquals(changeBlock({ text: "Host *", name: "a" }, ["Host a"]).text, `Host *\n${BLOCK}`);
});

Deno.test("changeBlock() changes a block where it stands, and no other", () => {
  const text = `top\n${BLOCK}${BLOCK.replaceAll(" a", " ab")}bottom\n`;

  const { text: after, removed, added } = changeBlock({ text, name: "a" }, ["Host a", "  Port 1"]);

  assertEquals(after, text.replace("Host a\n", "Host a\n  Port 1\n"));
  assertEquals([removed.length, added.length], [3, 4]);
});

Deno.test("changeBlock() refuses a block without an end, and says where it begins", () => {
  assertThrows(() => changeBlock({ text: "x\n# >>> outpost a\n", name: "a" }, []), SyntaxError, "begins in line 2");
});
