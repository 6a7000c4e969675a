import { assertEquals } from "@std/assert";

import { alignColumns } from "./text_table.ts";

Deno.test("alignColumns() aligns columns and leaves no blanks at line ends", () => {
  assertEquals(alignColumns([["A", "LONG", ""], ["abc", "x"]]), "A    LONG\nabc  x\n");
  assertEquals(alignColumns([]), "");
});

Deno.test("alignColumns() keeps the widest cell of a column that a later row lacks", () => {
  assertEquals(alignColumns([["a", "wide"], ["b"], ["c", "d", "e"]]), "a  wide\nb\nc  d     e\n");
});
