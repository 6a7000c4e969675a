/**
 * "Did you mean": the nearest of the names that would have been right.
 *
 * @module
 */
import { closestString } from "@std/text/closest-string";

/**
 * ` (did you mean "…"?)`, or nothing when no name is near enough to be meant: a suggestion that shares little with what was
 * written misleads.
 */
export function suggestion(given: string, possible: readonly string[]): string {
  const nearest = nearestName(given, possible);
  return nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
}

/** The nearest of `possible`, if at most a third of the letters would have to change. */
export function nearestName(given: string, possible: readonly string[]): string | undefined {
  if (possible.length === 0) return undefined;
  const nearest = closestString(given, possible, { caseSensitive: false });
  const longest = Math.max(given.length, nearest.length);
  return editDistance(given.toLowerCase(), nearest.toLowerCase()) <= Math.max(1, longest / 3) ? nearest : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours between two short words. */
function editDistance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= from.length; i++) {
    const above = rows[i - 1]!;
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = above[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwap ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(replaced, swapped, above[j]! + 1, row[j - 1]! + 1));
    }
    rows.push(row);
  }
  return rows[from.length]![to.length]!;
}
