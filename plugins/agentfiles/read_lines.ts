/**
 * A part of a text with line numbers, within limits that keep it small enough for a model's context.
 *
 * @module
 */
import { decodeText } from "./byte_text.ts";

/** Which lines are wanted, and how much may come back. */
export interface LineWindow {
  /** First line, one-based. */
  readonly offset: number;
  /** Number of lines; 0 for {@linkcode LineWindow.maxLines}. */
  readonly limit: number;
  /** Longer lines are cut, in bytes. */
  readonly maxLineBytes: number;
  /** More lines than this fail the request instead of being cut. */
  readonly maxLines: number;
  /** More formatted bytes than this fail the request. */
  readonly maxBytes: number;
}

/** Numbered lines, or the reason why there are none. */
export type LinesResult =
  | { readonly ok: true; readonly totalLines: number; readonly linesRead: number; readonly content: string }
  | { readonly ok: false; readonly error: string };

/** Appended to a line that was cut. */
const CUT_MARK = "... [truncated]";

/**
 * Numbers the wanted lines as `<number>TAB<line>`, joined by LF.
 *
 * Lines end at LF alone, so a CR stays; text that ends in LF has one more, empty line. A cut counts bytes and may split a
 * character, which then shows as U+FFFD.
 *
 * @param text Byte text, not empty.
 */
export function readLines(text: string, window: LineWindow): LinesResult {
  const offset = Math.max(1, window.offset);
  const limit = window.limit === 0 ? window.maxLines : window.limit;
  const totalLines = countLines(text);
  if (offset > totalLines) {
    return { ok: false, error: `offset ${offset} is beyond the file length of ${totalLines} lines` };
  }
  const out: string[] = [];
  let bytes = 0;
  let start = startOfLine(text, offset);
  for (let number = offset; number <= totalLines && number - offset < limit; number++) {
    const end = endOfLine(text, start);
    const cut = end - start > window.maxLineBytes;
    const line = `${number}\t${text.slice(start, cut ? start + window.maxLineBytes : end)}${cut ? CUT_MARK : ""}`;
    bytes += line.length + (out.length > 0 ? 1 : 0);
    if (bytes > window.maxBytes) return tooMuch(window.maxBytes, "bytes");
    if (out.length >= window.maxLines) return tooMuch(window.maxLines, "lines");
    out.push(line);
    start = end + 1;
  }
  return { ok: true, totalLines, linesRead: out.length, content: decodeText(out.join("\n")) };
}

function tooMuch(limit: number, unit: "bytes" | "lines"): LinesResult {
  return {
    ok: false,
    error: `output would exceed ${limit} ${unit}; read a smaller part with offset and limit`,
  };
}

function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

function startOfLine(text: string, number: number): number {
  let start = 0;
  for (let line = 1; line < number; line++) start = text.indexOf("\n", start) + 1;
  return start;
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end === -1 ? text.length : end;
}
