/**
 * Finds where a search text occurs in a file: byte for byte, then by whole lines that ignore trailing blanks, then by whole
 * lines that ignore indentation too.
 *
 * All texts are byte texts. Every search takes time linear in the file, also for adversarial input.
 *
 * @module
 */
import { lineEnd, lineStart } from "./line_parts.ts";

/** How much a match may differ from the search text. */
export type Tolerance = "exact" | "trailing" | "indentation";

/** A part of a file, as offsets; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Every non-overlapping occurrence of `search`, which must not be empty. */
export function findExact(content: string, search: string): Span[] {
  const found: Span[] = [];
  for (let at = content.indexOf(search); at !== -1; at = content.indexOf(search, at + search.length)) {
    found.push({ start: at, end: at + search.length });
  }
  return found;
}

/**
 * Every non-overlapping run of whole lines that equals `lines` under `tolerance`. Line endings never matter: CRLF, LF and
 * none match each other.
 *
 * A file that ends in LF has an empty line behind it that may match the end of `lines`, but never all of them.
 */
export function findLines(
  content: string,
  lines: readonly string[],
  tolerance: Exclude<Tolerance, "exact">,
): Span[] {
  const rule = RULES[tolerance];
  const keys = lines.map(rule.key);
  if (keys.length === 0) return [];
  const skipper = new AnchorSkipper(content, keys);
  const retry = retryTable(keys);
  const found: Span[] = [];
  // Starts of the lines matched so far: a ring as long as the pattern, because a window starts that many lines back.
  const starts = new Array<number>(keys.length).fill(0);
  let matched = 0;
  let index = 0;
  let start = 0;
  while (start <= content.length) {
    if (matched === 0) {
      start = skipper.next(start);
      if (start === -1) break;
    }
    const virtual = start === content.length;
    if (virtual && content.length > 0 && !content.endsWith("\n")) break;
    const end = lineEnd(content, start);
    while (matched > 0 && !rule.equals(content, start, end, keys[matched] as string)) {
      matched = retry[matched - 1] as number;
    }
    if (rule.equals(content, start, end, keys[matched] as string)) matched++;
    starts[index % keys.length] = start;
    index++;
    if (matched === keys.length) {
      const first = starts[index % keys.length] as number;
      if (first < content.length) found.push({ start: first, end });
      matched = 0;
    }
    if (virtual) break;
    start = end;
  }
  return found;
}

/** Trims white space of every kind from both ends of a byte text. */
export function trimText(text: string): string {
  let start = 0;
  for (let width; start < text.length && (width = whiteSpaceAt(text, start)) > 0;) start += width;
  let end = start;
  for (let at = start; at < text.length;) {
    const width = whiteSpaceAt(text, at);
    at += width || 1;
    if (width === 0) end = at;
  }
  return text.slice(start, end);
}

interface Rule {
  /** What of a search line is compared. */
  key(line: string): string;
  /** Whether the line between the offsets has this key. */
  equals(content: string, start: number, end: number, key: string): boolean;
}

const RULES: Readonly<Record<Exclude<Tolerance, "exact">, Rule>> = {
  trailing: {
    key: (line) => line.replace(/[ \t\r\n]+$/, ""),
    equals(content, start, end, key) {
      if (!content.startsWith(key, start)) return false;
      for (let at = start + key.length; at < end; at++) {
        const code = content.charCodeAt(at);
        if (code !== 32 && code !== 9 && code !== 13 && code !== 10) return false;
      }
      return true;
    },
  },
  indentation: {
    key: trimText,
    equals(content, start, end, key) {
      let at = start;
      for (let width; at < end && (width = whiteSpaceAt(content, at)) > 0;) at += width;
      // The blanks of an empty line include its LF; behind that the next line would be compared.
      if (at + key.length > end || !content.startsWith(key, at)) return false;
      at += key.length;
      for (let width; at < end && (width = whiteSpaceAt(content, at)) > 0;) at += width;
      return at >= end;
    },
  },
};

/** Bytes of the white space character at `at`, 0 when there is none. The set is Unicode's White_Space property in UTF-8. */
function whiteSpaceAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === 32 || (code >= 9 && code <= 13)) return 1;
  if (code < 0xc2) return 0;
  const second = text.charCodeAt(at + 1);
  if (code === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0;
  if (code < 0xe1 || code > 0xe3) return 0;
  const third = text.charCodeAt(at + 2);
  if (code === 0xe1) return second === 0x9a && third === 0x80 ? 3 : 0;
  if (code === 0xe3) return second === 0x80 && third === 0x80 ? 3 : 0;
  if (second === 0x81) return third === 0x9f ? 3 : 0;
  if (second !== 0x80) return 0;
  return (third >= 0x80 && third <= 0x8a) || third === 0xa8 || third === 0xa9 || third === 0xaf ? 3 : 0;
}

/** Knuth, Morris and Pratt's table: how many lines still match after a mismatch behind each line. */
function retryTable(keys: readonly string[]): number[] {
  const table = [0];
  for (let index = 1, matched = 0; index < keys.length; index++) {
    while (matched > 0 && keys[index] !== keys[matched]) matched = table[matched - 1] as number;
    if (keys[index] === keys[matched]) matched++;
    table.push(matched);
  }
  return table;
}

/** Jumps over lines that cannot start a match, with the native search for the longest key. */
class AnchorSkipper {
  readonly #anchor: string;
  /** Lines between the start of a match and its anchor. */
  readonly #linesBefore: number;
  #nextAnchor = -1;

  constructor(readonly content: string, keys: readonly string[]) {
    const longest = keys.reduce((best, key, index) => key.length > (keys[best] as string).length ? index : best, 0);
    this.#anchor = keys[longest] as string;
    this.#linesBefore = longest;
  }

  /** The first line start at or behind `from` where a match can begin, -1 when there is none. */
  next(from: number): number {
    if (this.#anchor === "" || from <= this.#nextAnchor) return from;
    const found = this.content.indexOf(this.#anchor, from);
    if (found === -1) return -1;
    this.#nextAnchor = found;
    let start = lineStart(this.content, found);
    for (let back = 0; back < this.#linesBefore && start > from; back++) start = lineStart(this.content, start - 1);
    return Math.max(start, from);
  }
}
