import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { splitLines } from "./line_parts.ts";
import { findExact, findLines, type Span, trimText } from "./match_lines.ts";

Deno.test("findExact() gives occurrences that do not overlap", () => {
  assertEquals(findExact("aaaa", "aa"), [{ start: 0, end: 2 }, { start: 2, end: 4 }]);
});

Deno.test("findLines() ignores trailing blanks and line endings but not indentation", () => {
  assertEquals(findLines("a  \r\n b\na\nb", ["a\n", "b\n"], "trailing"), [{ start: 8, end: 11 }]);
});

Deno.test("findLines() ignores indentation when told to", () => {
  assertEquals(findLines("\ta \n  b\n", ["a\n", "b"], "indentation"), [{ start: 0, end: 8 }]);
});

Deno.test("findLines() compares whole lines", () => {
  assertEquals(findLines("ab\nxa\n", ["a"], "indentation"), []);
});

Deno.test("findLines() does not take the empty line behind a final newline for a match of its own", () => {
  assertEquals(findLines("a\n", ["  "], "indentation"), []);
  assertEquals(findLines("a\n", ["a\n", "\n"], "trailing"), [{ start: 0, end: 2 }]);
});

Deno.test("findLines() agrees with trying every line, for both tolerances", () => {
  const line = fc.tuple(
    fc.constantFrom("", " ", "\t"),
    fc.constantFrom("a", "b", "ab", ""),
    fc.constantFrom("", " ", "\r"),
  )
    .map((parts) => parts.join(""));
  const text = fc.tuple(fc.array(line, { maxLength: 16 }), fc.constantFrom("", "\n"))
    .map(([lines, end]) => lines.join("\n") + end);
  const pattern = fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.map((one) => `${one}\n`));
  fc.assert(
    fc.property(
      text,
      pattern,
      fc.constantFrom("trailing" as const, "indentation" as const),
      (content, lines, tolerance) => {
        assertEquals(findLines(content, lines, tolerance), tryEveryLine(content, lines, tolerance));
      },
    ),
    { numRuns: 3000 },
  );
});

Deno.test("findLines() stays linear when almost every line almost matches", () => {
  const content = "aa\n".repeat(200_000);
  const lines = [...Array.from({ length: 2000 }, () => "aa\n"), "ab\n"];

  // Trying every line would take 400 million comparisons.
  assertEquals(findLines(content + "ab\n", lines, "trailing").length, 1);
});

Deno.test("trimText() removes white space of all kinds and nothing else", () => {
  assertEquals(trimText("\xc2\xa0\t x\xe2\x80\x83\xe3\x80\x80\xc2\x85"), "x");
  assertEquals(trimText("\xe2\x80\x8bx"), "\xe2\x80\x8bx");
  assertEquals(trimText("\xa0x\x85"), "\xa0x\x85");
});

function tryEveryLine(content: string, lines: readonly string[], tolerance: "trailing" | "indentation"): Span[] {
  const key = tolerance === "trailing"
    ? (line: string) => line.replace(/[ \t\r\n]+$/, "")
    : (line: string) => line.trim();
  const all = splitLines(content);
  if (content === "" || content.endsWith("\n")) all.push("");
  const starts = all.map((_, index) => all.slice(0, index).join("").length);
  const found: Span[] = [];
  for (let index = 0; index + lines.length <= all.length;) {
    const hit = lines.every((line, offset) => key(all[index + offset]!) === key(line));
    const last = index + lines.length - 1;
    if (hit && starts[index]! < content.length) {
      found.push({ start: starts[index]!, end: starts[last]! + all[last]!.length });
    }
    index += hit ? lines.length : 1;
  }
  return found;
}
