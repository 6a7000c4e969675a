import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";

import fc from "fast-check";

import { applyEdit } from "./apply_edit.ts";
import { EditMismatchError } from "./edit_mismatch.ts";

Deno.test("applyEdit() replaces the one exact occurrence", () => {
  assertEquals(applyEdit("foo bar", { search: "foo", replace: "bar" }), {
    content: "bar bar",
    tolerance: "exact",
    count: 1,
  });
});

Deno.test("applyEdit() refuses an empty search", () => {
  assertThrows(() => applyEdit("a", { search: "", replace: "x" }), EditMismatchError, "must not be empty");
});

Deno.test("applyEdit() names count and lines of an ambiguous exact match", () => {
  assertThrows(
    () => applyEdit("foo\nbar\nfoo\n", { search: "foo", replace: "x" }),
    EditMismatchError,
    "matches 2 occurrences (at lines 1, 3)",
  );
});

Deno.test("applyEdit() says that an ambiguous match ignores indentation", () => {
  assertThrows(
    () => applyEdit("\tfoo\n\tbar\n\t\tfoo\n", { search: "  foo\n", replace: "x\n" }),
    EditMismatchError,
    "matches 2 occurrences when indentation is ignored (at lines 1, 3)",
  );
});

Deno.test("applyEdit() names at most ten lines of an ambiguous match", () => {
  assertThrows(
    () => applyEdit("x\n".repeat(12), { search: "x", replace: "y" }),
    EditMismatchError,
    "matches 12 occurrences (at lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more)",
  );
});

Deno.test("applyEdit() with replaceAll replaces every exact occurrence", () => {
  const outcome = applyEdit("a-a-a", { search: "a", replace: "bb", replaceAll: true });

  assertEquals([outcome.content, outcome.count], ["bb-bb-bb", 3]);
});

Deno.test("applyEdit() with replaceAll takes occurrences that do not overlap", () => {
  assertEquals(applyEdit("aaaa", { search: "aa", replace: "b", replaceAll: true }).content, "bb");
});

Deno.test("applyEdit() with replaceAll replaces every window that ignores trailing blanks", () => {
  const outcome = applyEdit("a  \nb\nx\na\t\nb\n", { search: "a\nb\n", replace: "c\n", replaceAll: true });

  assertEquals([outcome.content, outcome.tolerance], ["c  \nx\nc\t\n", "trailing"]);
});

Deno.test("applyEdit() with replaceAll replaces every window that ignores indentation", () => {
  const outcome = applyEdit("\ta\n\t\ta\n", { search: "  a\n", replace: "  b\n", replaceAll: true });

  assertEquals([outcome.content, outcome.tolerance], ["\tb\n\t\tb\n", "indentation"]);
});

Deno.test("applyEdit() prefers an exact match over one that ignores blanks", () => {
  assertEquals(applyEdit("  run()\nrun()!\n", { search: "run()!", replace: "go()" }).content, "  run()\ngo()\n");
  assertEquals(applyEdit("a \nb\na\nb\n", { search: "a\nb\n", replace: "c\n" }).content, "a \nb\nc\n");
});

interface StyleCase {
  readonly name: string;
  readonly content: string;
  readonly search: string;
  readonly replace: string;
  readonly result: string;
}

const STYLE: readonly StyleCase[] = [
  {
    name: "keeps the file's trailing blanks where the caller has none on either side",
    content: "foo   \nbar  \nbaz\n",
    search: "foo\nbar\n",
    replace: "replaced",
    result: "replaced   \nbaz\n",
  },
  {
    name: "finds a TAB-indented line for a search indented by spaces",
    content: "if x {\n\tfoo()\n}\n",
    search: "if x {\n    foo()\n}\n",
    replace: "if x {\n    bar()\n}\n",
    result: "if x {\n\tbar()\n}\n",
  },
  {
    name: "finds lines indented to another depth",
    content: "\t\tfoo()\n\t\tbar()\n",
    search: "\tfoo()\n\tbar()\n",
    replace: "\tfoo()\n\tbaz()\n",
    result: "\t\tfoo()\n\t\tbaz()\n",
  },
  {
    name: "handles a mixed block whose search ends in a newline",
    content: "class A {\n  \tone()  \n\ttwo()\n}\n",
    search: "  one()\n  two()\n",
    replace: "  one()\n  three()\n",
    result: "class A {\n  \tone()  \n\tthree()\n}\n",
  },
  {
    name: "deletes a CRLF line for an LF search",
    content: "a\r\nb\r\nc\r\n",
    search: "b\n",
    replace: "",
    result: "a\r\nc\r\n",
  },
  { name: "deletes a line with trailing blanks", content: "a\nb  \nc\n", search: "b\n", replace: "", result: "a\nc\n" },
  {
    name: "lets the caller change the indentation",
    content: "\tfoo\n",
    search: "  foo\n",
    replace: "    foo\n",
    result: "    foo\n",
  },
  {
    name: "indents an added line in the file's unit",
    content: "def f():\n\tif x:\n\t\treturn 1\n",
    search: "    if x:\n        return 1\n",
    replace: "    if x:\n        log()\n        if y:\n            more()\n        return 1\n",
    result: "def f():\n\tif x:\n\t\tlog()\n\t\tif y:\n\t\t\tmore()\n\t\treturn 1\n",
  },
  {
    name: "translates from a unit of two spaces to one of four",
    content: "a {\n    b\n}\n",
    search: "a {\n  b\n}\n",
    replace: "a {\n  b\n  c {\n    d\n  }\n}\n",
    result: "a {\n    b\n    c {\n        d\n    }\n}\n",
  },
  {
    name: "keeps the caller's unit when the file has no indentation yet",
    content: "def f():  \nx\n",
    search: "def f():\nx\n",
    replace: "def f():\n  y\nx\n",
    result: "def f():  \n  y\nx\n",
  },
  {
    name: "uses the neighbour's indentation when the caller mixes TABs and spaces",
    content: "\ta \n\tb\n",
    search: "a\nb\n",
    replace: "a\n \tc\nb\n",
    result: "\ta \n\tc\n\tb\n",
  },
  {
    name: "collapses several lines to one and keeps the following line apart",
    content: "\ta\n\tb\n\tc\n",
    search: " a\n b",
    replace: " x",
    result: "\tx\n\tc\n",
  },
  {
    name: "takes a search without a final newline for a line with one",
    content: "  a\n  b\n",
    search: "\ta",
    replace: "\tx",
    result: "  x\n  b\n",
  },
  {
    name: "leaves a file without a final newline without one",
    content: "a\n\tb",
    search: " b\n",
    replace: " c\n",
    result: "a\n\tc",
  },
  {
    name: "adds the missing newline between lines at the end of an unterminated file",
    content: "a\n\tb",
    search: " b",
    replace: " b\n c",
    result: "a\n\tb\n\tc",
  },
  {
    name: "emits an emptied line with the caller's own blanks",
    content: "\ta\n\tb\n\tc\n",
    search: " a\n b\n",
    replace: " a\n\n",
    result: "\ta\n\n\tc\n",
  },
  {
    name: "matches the empty line behind a final newline and does not double it",
    content: "x\n",
    search: "x\n\n",
    replace: "y\n\n",
    result: "y\n",
  },
  {
    name: "gives added lines of an LF caller the CRLF of the file",
    content: "a\r\nb\r\n",
    search: "a\nb\n",
    replace: "a\nx\nb\n",
    result: "a\r\nx\r\nb\r\n",
  },
  {
    name: "gives added lines of a CRLF caller the LF of the file",
    content: "a\nb\n",
    search: "a\r\nb\r\n",
    replace: "a\r\nx\r\nb\r\n",
    result: "a\nx\nb\n",
  },
  {
    name: "rewrites the endings inside an exact replacement and keeps the last",
    content: "a\r\nb\r\nc\r\n",
    search: "b",
    replace: "x\ny",
    result: "a\r\nx\r\ny\r\nc\r\n",
  },
  {
    name: "changes line endings when search and replacement differ in them",
    content: "a\r\nb\r\nc\r\n",
    search: "a\r\nb\r\n",
    replace: "a\nb\n",
    result: "a\nb\nc\r\n",
  },
  {
    name: "keeps CRLF when the search has no newline and the replacement has one",
    content: "\ta\r\nb\r\n",
    search: " a",
    replace: " x\n",
    result: "\tx\r\nb\r\n",
  },
  {
    name: "does not touch endings outside the match in a mixed file",
    content: "a\r\n\tb\nc\r\n",
    search: "  b\n",
    replace: "  x\n",
    result: "a\r\n\tx\nc\r\n",
  },
  {
    name: "ignores Unicode blanks around a line",
    content: "\xc2\xa0a\xe3\x80\x80\nb\n",
    search: "a\nb\n",
    replace: "x\nb\n",
    result: "x\nb\n",
  },
];
for (const { name, content, search, replace, result } of STYLE) {
  Deno.test(`applyEdit() ${name}`, () => {
    assertEquals(applyEdit(content, { search, replace }).content, result);
  });
}

Deno.test("applyEdit() expands every match under replaceAll with the file's endings", () => {
  const outcome = applyEdit("\ta\r\nx\r\n\t\ta\r\n", { search: " a\n", replace: " a\n b\n", replaceAll: true });

  assertEquals(outcome.content, "\ta\r\n\tb\r\nx\r\n\t\ta\r\n\t\tb\r\n");
});

Deno.test("applyEdit() demands a byte for byte match when search and replacement end lines differently", () => {
  const error = assertThrows(
    () => applyEdit("a\nb\n", { search: "a\r\nb\r\n", replace: "a\nb\n" }),
    EditMismatchError,
    "different line endings (CRLF and LF)",
  );

  assertStringIncludes(error.message, "the file mostly uses LF");
});

Deno.test("applyEdit() keeps bytes that are not UTF-8", () => {
  const outcome = applyEdit("caf\xe9 \xff\x00\nprice 5\n", { search: "5", replace: "5 €" });

  assertEquals(outcome.content, "caf\xe9 \xff\x00\nprice 5 \xe2\x82\xac\n");
});

Deno.test("applyEdit() never changes a byte outside the lines it matched", () => {
  const blank = fc.constantFrom("", " ", "\t", "  ");
  const ending = fc.constantFrom("\n", "\r\n");
  const around = fc.array(
    fc.tuple(blank, fc.constantFrom("p", "q", "", "\xff"), blank, ending).map((line) => line.join("")),
    {
      maxLength: 6,
    },
  ).map((lines) => lines.join(""));
  const line = fc.tuple(blank, fc.constantFrom("one", "two"), blank);
  fc.assert(
    fc.property(
      around,
      fc.array(line, { minLength: 1, maxLength: 4 }),
      around,
      fc.string(),
      (before, block, after, replace) => {
        const window = block.map(([lead, body, trail]) => `${lead}${body}${trail}\n`).join("");
        const search = block.map(([, body]) => `   ${body}\n`).join("");

        const outcome = applyEdit(before + window + after, { search, replace });

        assertEquals(outcome.content.slice(0, before.length), before);
        assertEquals(outcome.content.slice(outcome.content.length - after.length), after);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("applyEdit() agrees with plain string replacement when the search occurs once", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", " ", "ä"), maxLength: 12 });
  fc.assert(
    fc.property(word, word, word, (before, after, replace) => {
      const content = `${before}<here>${after}`;

      const outcome = applyEdit(encoded(content), { search: "<here>", replace });

      assertEquals(outcome.content, encoded(before + replace + after));
    }),
  );
});

function encoded(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

Deno.test("applyEdit() keeps up with a list of lines through any sequence of edits", () => {
  const blank = fc.constantFrom("", " ", "\t", "    ");
  const lines = fc.array(fc.record({ lead: blank, trail: blank, ending: fc.constantFrom("\n", "\r\n") }), {
    minLength: 1,
    maxLength: 8,
  });
  const step = fc.record({ at: fc.nat(), kind: fc.constantFrom("rewrite", "delete", "swap") });
  fc.assert(
    fc.property(lines, fc.array(step, { maxLength: 12 }), (start, steps) => {
      const model = start.map((line, index) => ({ ...line, body: `<line${index}>` }));
      const show = (): string => model.map(({ lead, body, trail, ending }) => lead + body + trail + ending).join("");
      let content = show();
      for (const [number, { at, kind }] of steps.entries()) {
        const line = model[at % model.length];
        if (line === undefined) break;
        // Indented as no line of the file is, so that only the tolerant ways can find it.
        const search = `  \t${line.body}\n`;
        const body = `<step${number}>`;
        if (kind === "delete") {
          content = applyEdit(content, { search, replace: "" }).content;
          model.splice(at % model.length, 1);
        } else if (kind === "rewrite") {
          content = applyEdit(content, { search, replace: `  \t${body}\n` }).content;
          line.body = body;
        } else {
          content = applyEdit(content, { search: line.body, replace: body }).content;
          line.body = body;
        }
        assertEquals(content, show());
      }
    }),
    { numRuns: 500 },
  );
});
