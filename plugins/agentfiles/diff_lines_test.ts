import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { type Change, diffLines } from "./diff_lines.ts";

Deno.test("diffLines() leads from the old lines to the new ones, with no more changes than a shortest script", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 14 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const changes = diffLines(before, after);

      assertEquals(applied(changes, before, after), after);
      assertEquals(costOf(changes), shortestCost(before, after));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("diffLines() finds nothing between equal lists", () => {
  assertEquals(diffLines(["a", "b"], ["a", "b"]), []);
});

Deno.test("diffLines() joins changes that touch and keeps apart those that do not", () => {
  const changes = diffLines(["a", "b", "c", "d"], ["a", "x", "y", "c"]);

  assertEquals(changes, [
    { oldStart: 1, oldEnd: 2, newStart: 1, newEnd: 3 },
    { oldStart: 3, oldEnd: 4, newStart: 4, newEnd: 4 },
  ]);
});

Deno.test("diffLines() replaces a part whole when it differs in thousands of lines", () => {
  const before = Array.from({ length: 6000 }, (_, index) => `old ${index}`);
  const after = Array.from({ length: 6000 }, (_, index) => `new ${index}`);

  const changes = diffLines(["first", ...before, "last"], ["first", ...after, "last"]);

  assertEquals(changes, [{ oldStart: 1, oldEnd: 6001, newStart: 1, newEnd: 6001 }]);
});

function applied(changes: readonly Change[], before: readonly string[], after: readonly string[]): string[] {
  const result: string[] = [];
  let at = 0;
  for (const change of changes) {
    result.push(...before.slice(at, change.oldStart), ...after.slice(change.newStart, change.newEnd));
    at = change.oldEnd;
  }
  return [...result, ...before.slice(at)];
}

function costOf(changes: readonly Change[]): number {
  return changes.reduce((sum, one) => sum + one.oldEnd - one.oldStart + one.newEnd - one.newStart, 0);
}

/** The textbook table, to compare with. */
function shortestCost(before: readonly string[], after: readonly string[]): number {
  let row = Array.from({ length: after.length + 1 }, (_, index) => index);
  for (const [i, line] of before.entries()) {
    const next = [i + 1];
    for (const [j, other] of after.entries()) {
      next.push(line === other ? row[j] as number : 1 + Math.min(row[j + 1] as number, next[j] as number));
    }
    row = next;
  }
  return row[after.length] as number;
}
