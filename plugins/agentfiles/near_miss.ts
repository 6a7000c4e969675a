/**
 * Explains why a search text was not found: where the closest lines are, and where they first differ.
 *
 * @module
 */
import { decodeText } from "./byte_text.ts";
import { lineEnd } from "./line_parts.ts";
import { trimText } from "./match_lines.ts";

/** Most bytes of the file that are looked at. The search is linear, and this keeps it below about 50 ms. */
const MAX_BYTES_SCANNED = 4 * 1024 * 1024;
/** Most lines of the search text that are compared. */
const MAX_SEARCH_LINES = 200;
/** Words of a search line that are compared with each line of the file. */
const MAX_WORDS = 24;
/** Longest piece of a line that is quoted, in characters. */
const MAX_QUOTED = 80;
/** Characters shown before the first difference. */
const QUOTED_BEFORE = 30;

/**
 * The end of a sentence that starts with "search string not found in file".
 *
 * @param content Byte text of the file.
 * @param searchLines Byte texts, with their endings.
 */
export function describeNearMiss(content: string, searchLines: readonly string[]): string {
  if (content === "") return "; the file is empty";
  const wanted = searchLines.slice(0, MAX_SEARCH_LINES).map(trimText);
  const scanned = content.slice(0, MAX_BYTES_SCANNED);
  const found = closestByEqualLines(scanned, wanted) ?? closestByWords(scanned, wanted);
  if (found === undefined) return "; no line of the file resembles it";
  return describeDifference(linesFrom(content, found, searchLines.length), found, searchLines);
}

/** A guess: the one-based line of the file at which the first line of the search text would be. */
type FirstLine = number;

/** Lets every line that equals a search line vote for the place that would put them together. */
function closestByEqualLines(content: string, wanted: readonly string[]): FirstLine | undefined {
  const places = new Map<string, number[]>();
  for (const [index, line] of wanted.entries()) {
    if (line === "") continue;
    const list = places.get(line);
    if (list === undefined) places.set(line, [index]);
    // Lines that repeat say little; a few places bound the votes per line.
    else if (list.length < 4) list.push(index);
  }
  const votes = new Map<number, number>();
  let best: number | undefined;
  let most = 0;
  forEachLine(content, (line, number) => {
    for (const index of places.get(line) ?? []) {
      const place = number - index;
      // A long line is worth more than a brace.
      const sum = (votes.get(place) ?? 0) + 1 + Math.min(line.length, 40) / 40;
      votes.set(place, sum);
      if (sum > most) [best, most] = [place, sum];
    }
  });
  return best;
}

/** The line that shares most words with the longest line of the search text. */
function closestByWords(content: string, wanted: readonly string[]): FirstLine | undefined {
  const anchor = wanted.reduce((best, line, index) => line.length > (wanted[best] as string).length ? index : best, 0);
  const words = [...new Set((wanted[anchor] as string).match(WORD) ?? [])].slice(0, MAX_WORDS);
  if (words.length === 0) return undefined;
  const total = words.reduce((sum, word) => sum + word.length, 0);
  let best: number | undefined;
  let most = 0;
  forEachLine(content, (line, number) => {
    let shared = 0;
    for (const word of words) if (line.includes(word)) shared += word.length;
    // Of two lines with the same words the one of more similar length is closer.
    const score = shared / total - Math.abs(line.length - (wanted[anchor] as string).length) / 1e6;
    if (score > most) [best, most] = [number - anchor, score];
  });
  return most >= LEAST_SHARE ? best : undefined;
}

/** Share of the words below which two lines are not called similar. */
const LEAST_SHARE = 0.3;
// Bytes above 0x7f are parts of letters in UTF-8.
const WORD = /[A-Za-z0-9_\x80-\xff]{2,}/g;

function forEachLine(content: string, visit: (trimmed: string, number: number) => void): void {
  for (let start = 0, number = 1; start < content.length; number++) {
    const end = lineEnd(content, start);
    visit(trimText(content.slice(start, end)), number);
    start = end;
  }
}

/** Lines of the file from a one-based number on; `undefined` before its first and behind its last. */
function linesFrom(content: string, first: FirstLine, count: number): (string | undefined)[] {
  const lines: (string | undefined)[] = [];
  for (let number = first; number < 1 && lines.length < count; number++) lines.push(undefined);
  for (let start = 0, number = 1; start < content.length && lines.length < count; number++) {
    const end = lineEnd(content, start);
    if (number >= first) lines.push(content.slice(start, end));
    start = end;
  }
  while (lines.length < count) lines.push(undefined);
  return lines;
}

function describeDifference(
  lines: readonly (string | undefined)[],
  first: FirstLine,
  searchLines: readonly string[],
): string {
  const last = first + searchLines.length - 1;
  const where = searchLines.length === 1 ? `line ${first}` : `lines ${Math.max(first, 1)}-${last}`;
  for (const [index, wanted] of searchLines.entries()) {
    const line = lines[index];
    if (line === undefined) {
      const side = first + index < 1 ? "starts" : "ends";
      return `; closest is ${where}, but the file ${side} where the search expects ${quoteAt(trimText(wanted), 0)}`;
    }
    const [have, want] = [trimText(line), trimText(wanted)];
    if (have === want) continue;
    const [haveText, wantText] = [decodeText(have), decodeText(want)];
    const at = firstDifference(haveText, wantText);
    return `; closest is ${where}, which first differs at line ${first + index}: the file has ${
      quoteAt(haveText, at)
    }, the search has ${quoteAt(wantText, at)}`;
  }
  return `; closest is ${where}, which differs only in white space or line endings`;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** Quotes the part of a line around `at`, with invisible and look-alike characters written as escapes. */
function quoteAt(line: string, at: number): string {
  const start = line.length <= MAX_QUOTED ? 0 : Math.max(0, Math.min(at - QUOTED_BEFORE, line.length - MAX_QUOTED));
  const piece = line.slice(start, start + MAX_QUOTED);
  const quoted = JSON.stringify(piece).replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${start > 0 ? "…" : ""}${quoted}${start + piece.length < line.length ? "…" : ""}`;
}

const INVISIBLE = /[\x7f-\xa0\xad\u1680\u2000-\u200f\u2018-\u201f\u2028-\u202f\u205f-\u2064\u3000\ufeff]/g;
