import { assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";

import fc from "fast-check";

import { DiffCollector, headOnlyDiff, joinDiffs } from "./unified_diff.ts";

/** One file of a diff whose only hunk adds `lines`. */
function fileOf(name: string, lines: readonly string[]): string {
  return `diff --git a/${name} b/${name}\nindex 1..2 100644\n--- a/${name}\n+++ b/${name}\n@@ -0,0 +1 @@\n${
    lines.map((line) => `+${line}\n`).join("")
  }`;
}

function collect(text: string, options: { maxBytes?: number; pieceBytes?: number } = {}): DiffCollector {
  const collector = new DiffCollector(options.maxBytes ?? 1 << 20);
  const bytes = new TextEncoder().encode(text);
  const step = options.pieceBytes ?? bytes.length;
  for (let at = 0; at < bytes.length; at += step) collector.push(bytes.subarray(at, at + step));
  collector.end();
  return collector;
}

Deno.test("DiffCollector splits at file starts wherever the pieces are cut", () => {
  const line = fc.constantFrom("diff --git a/x b/x", "", "@@", "text", "\ndiff", "- diff --git ");
  fc.assert(
    fc.property(fc.array(fc.array(line), { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (files, pieceBytes) => {
      const parts = files.map((lines, index) => fileOf(`f${index}`, lines));

      const collector = collect(parts.join(""), { pieceBytes });

      assertEquals(collector.files.map((file) => file.text), parts);
      assertEquals(collector.files.map((file) => file.path), parts.map((_, index) => `f${index}`));
      assertEquals(collector.totalBytes, new TextEncoder().encode(parts.join("")).length);
    }),
  );
});

Deno.test("DiffCollector keeps the head alone of a file that does not fit, and goes on with smaller ones", () => {
  const large = fileOf("large", ["x".repeat(500)]);
  const small = fileOf("small", ["y"]);

  const collector = collect(large + small, { maxBytes: 200 });

  assertEquals(collector.files.map((file) => [file.path, file.isHeadOnly]), [["large", true], ["small", false]]);
  assertEquals(collector.files[0]?.text, large.slice(0, large.indexOf("@@")));
  assertEquals(collector.files[0]?.bytes, large.length);
});

Deno.test("DiffCollector reads names with spaces, quotes, bytes and renames", () => {
  const collector = collect([
    "diff --git a/with b/x b/with b/x\nnew file mode 100644\n",
    'diff --git "a/\\377\\n" "b/\\377\\n"\nnew file mode 100644\n',
    "diff --git a/old b/new name\nsimilarity index 100%\nrename from old\nrename to new name\n",
  ].join(""));

  assertEquals(collector.files.map(({ path, isRename }) => [path, isRename]), [
    ["with b/x", false],
    ["\xff\n", false],
    ["new name", true],
  ]);
});

Deno.test("DiffCollector collects several diffs one after the other", () => {
  const collector = new DiffCollector(1 << 20);
  for (const name of ["a", "b"]) {
    collector.push(new TextEncoder().encode(fileOf(name, [name])));
    collector.end();
  }

  assertEquals(collector.files.map((file) => file.text), [fileOf("a", ["a"]), fileOf("b", ["b"])]);
});

Deno.test("joinDiffs() puts a line with the size in front when files were left out", () => {
  const collector = collect(fileOf("large", ["x".repeat(5000)]) + fileOf("small", []), { maxBytes: 200 });

  const diff = joinDiffs(collector.files, 200);

  assertEquals(diff.isTruncated, true);
  assertMatch(diff.text, /^Total diff too large to show\. Size: 5\.\d+ kiB\. Files without content: 1\ndiff --git /);
  assertStringIncludes(diff.text, "+++ b/small");
});

Deno.test("joinDiffs() returns a diff that fits as it was", () => {
  const text = fileOf("a", ["1"]) + fileOf("b", ["2"]);

  const collector = collect(text);

  assertEquals(joinDiffs(collector.files, 1 << 20), { text, isTruncated: false });
});

Deno.test("joinDiffs() leaves out what does not fit and keeps smaller files behind it", () => {
  const collector = collect(fileOf("a", ["1".repeat(300)]) + fileOf("b", ["2"]));

  const diff = joinDiffs(collector.files, 200);

  assertLess(diff.text.indexOf("1".repeat(300)), 0);
  assertStringIncludes(diff.text, "+++ b/a\ndiff --git a/b b/b");
  assertStringIncludes(diff.text, "+2\n");
  assertEquals(diff.isTruncated, true);
});

Deno.test("headOnlyDiff() names the file as git would", () => {
  assertEquals(headOnlyDiff("\xff x", 7).text, 'diff --git "a/\\377 x" "b/\\377 x"\nnew file mode 100644\n');
});
