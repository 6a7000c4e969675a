import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { bytesToText, encodeText } from "./byte_text.ts";
import { unifiedDiff } from "./unified_diff.ts";

Deno.test("unifiedDiff() shows three lines of context under headers with the path", () => {
  const before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

  const diff = unifiedDiff("/a/b.txt", before, before.replace("5\n", "five\n"));

  assertEquals(
    diff,
    "--- /a/b.txt\n+++ /a/b.txt\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
  );
});

Deno.test("unifiedDiff() is empty when nothing changed", () => {
  assertEquals(unifiedDiff("/a", "x\n", "x\n"), "");
});

Deno.test("unifiedDiff() marks a last line without a newline", () => {
  assertEquals(
    unifiedDiff("/a", "x", "x\n"),
    "--- /a\n+++ /a\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n",
  );
});

Deno.test("unifiedDiff() names the line before an empty range", () => {
  assertEquals(unifiedDiff("/a", "", "x\n"), "--- /a\n+++ /a\n@@ -0,0 +1 @@\n+x\n");
  assertEquals(unifiedDiff("/a", "x\n", ""), "--- /a\n+++ /a\n@@ -1 +0,0 @@\n-x\n");
});

Deno.test("unifiedDiff() gives text in the caller's letters, not in bytes", () => {
  assertEquals(
    unifiedDiff("/ä", encodeText("größe\n"), encodeText("maß\n")),
    "--- /ä\n+++ /ä\n@@ -1 +1 @@\n-größe\n+maß\n",
  );
});

Deno.test("unifiedDiff() applied by git gives the new text", async () => {
  const line = fc.constantFrom("a\n", "b\n", "\n", "  c\n", "d\r\n", "-- e\n", "+f\n", "@@ -1 +1 @@\n", "größe\n");
  const text = fc.tuple(fc.array(line, { maxLength: 40 }), fc.constantFrom("", "end"))
    .map(([lines, end]) => encodeText(lines.join("") + end));
  const folder = await Deno.makeTempDir();
  try {
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        await Deno.writeFile(`${folder}/file`, bytesOf(before));
        await Deno.writeTextFile(`${folder}/diff`, unifiedDiff("file", before, after));

        if (before !== after) await applyDiff(folder);

        assertEquals(bytesToText(await Deno.readFile(`${folder}/file`)), after);
      }),
      { numRuns: 60 },
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

async function applyDiff(folder: string): Promise<void> {
  const { code, stderr } = await new Deno.Command("git", {
    args: ["apply", "-p0", "--whitespace=nowarn", "diff"],
    cwd: folder,
    env: { GIT_DIR: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1" },
  }).output();
  assertEquals({ code, stderr: new TextDecoder().decode(stderr) }, { code: 0, stderr: "" });
}
