/**
 * Unified diffs that `patch` and `git apply` accept.
 *
 * @module
 */
import { decodeText } from "./byte_text.ts";
import { type Change, diffLines } from "./diff_lines.ts";
import { splitLines } from "./line_parts.ts";

/** Unchanged lines around each change. */
const CONTEXT_LINES = 3;

/**
 * What leads from `before` to `after`, both byte texts, under the headers `--- path` and `+++ path`.
 *
 * @returns Ordinary text; `""` when nothing changed. Bytes that are not UTF-8 show as U+FFFD, so such a diff is for reading
 * only.
 */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return "";
  const oldLines = splitLines(before);
  const newLines = splitLines(after);
  const out = [`--- ${path}\n+++ ${path}\n`];
  for (const hunk of hunksOf(diffLines(oldLines, newLines), oldLines.length)) {
    out.push(decodeText(formatHunk(hunk, oldLines, newLines)));
  }
  return out.join("");
}

/** Changes that are close enough to share their context. */
interface Hunk {
  readonly changes: readonly Change[];
  readonly leading: number;
  readonly trailing: number;
}

function hunksOf(changes: readonly Change[], oldLength: number): Hunk[] {
  const hunks: Hunk[] = [];
  let group: Change[] = [];
  const flush = (): void => {
    const [first, last] = [group[0], group.at(-1)];
    if (first === undefined || last === undefined) return;
    hunks.push({
      changes: group,
      leading: Math.min(CONTEXT_LINES, first.oldStart),
      trailing: Math.min(CONTEXT_LINES, oldLength - last.oldEnd),
    });
    group = [];
  };
  for (const change of changes) {
    const previous = group.at(-1);
    if (previous !== undefined && change.oldStart - previous.oldEnd > 2 * CONTEXT_LINES) flush();
    group.push(change);
  }
  flush();
  return hunks;
}

function formatHunk(
  { changes, leading, trailing }: Hunk,
  oldLines: readonly string[],
  newLines: readonly string[],
): string {
  const first = changes[0] as Change;
  const last = changes.at(-1) as Change;
  const oldStart = first.oldStart - leading;
  const newStart = first.newStart - leading;
  const oldEnd = last.oldEnd + trailing;
  const newEnd = last.newEnd + trailing;
  const out = [`@@ -${formatRange(oldStart, oldEnd)} +${formatRange(newStart, newEnd)} @@\n`];
  let at = oldStart;
  const push = (sign: string, lines: readonly string[], start: number, end: number): void => {
    for (const line of lines.slice(start, end)) {
      out.push(sign, line, line.endsWith("\n") ? "" : "\n\\ No newline at end of file\n");
    }
  };
  for (const change of changes) {
    push(" ", oldLines, at, change.oldStart);
    push("-", oldLines, change.oldStart, change.oldEnd);
    push("+", newLines, change.newStart, change.newEnd);
    at = change.oldEnd;
  }
  push(" ", oldLines, at, oldEnd);
  return out.join("");
}

/** POSIX diff -u: a range of one line is its number alone, an empty one names the line before it. */
function formatRange(start: number, end: number): string {
  const length = end - start;
  if (length === 1) return String(start + 1);
  return `${length === 0 ? start : start + 1},${length}`;
}
