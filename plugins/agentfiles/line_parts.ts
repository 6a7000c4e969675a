/**
 * Lines taken apart, so that an edit can keep the file's own indentation, trailing blanks and line endings.
 *
 * @module
 */

/** How a line ends; empty for a last line without a terminator. */
export type Ending = "" | "\n" | "\r\n";

/** One line. Joining the four parts gives it back byte for byte. */
export interface LineParts {
  /** Spaces and TABs at the start. A line of nothing but blanks is all lead. */
  readonly lead: string;
  readonly body: string;
  /** Spaces and TABs before the ending. */
  readonly trail: string;
  readonly ending: Ending;
}

/** Splits after each LF and keeps it. Text that ends in LF has no empty last line here; empty text has no lines. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = lineEnd(text, start);
    lines.push(text.slice(start, end));
    start = end;
  }
  return lines;
}

/** Offset behind the line that holds `start`, its LF included. */
export function lineEnd(text: string, start: number): number {
  const found = text.indexOf("\n", start);
  return found === -1 ? text.length : found + 1;
}

/** Offset at which the line that holds `at` starts. */
export function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
}

/** Takes one line apart. A lone CR inside the line belongs to the body. */
export function partsOf(line: string): LineParts {
  const ending: Ending = line.endsWith("\r\n") ? "\r\n" : line.endsWith("\n") ? "\n" : "";
  let end = line.length - ending.length;
  let start = 0;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  const last = end;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return { lead: line.slice(0, start), body: line.slice(start, end), trail: line.slice(end, last), ending };
}

/** Puts a line together again. */
export function joinParts(parts: LineParts): string {
  return parts.lead + parts.body + parts.trail + parts.ending;
}

/**
 * The ending a text uses throughout: it needs at least two lines, and an unterminated last line does not count.
 *
 * @returns `""` when the text has one line or mixes endings.
 */
export function internalEnding(lines: readonly LineParts[]): Ending {
  if (lines.length < 2) return "";
  const [first] = lines;
  const same = lines.every((line, index) =>
    line.ending === first?.ending || (index === lines.length - 1 && line.ending === "")
  );
  return same && first !== undefined ? first.ending : "";
}

/** The ending most lines of a file have: CRLF only when it outnumbers LF. */
export function dominantEnding(text: string): "\n" | "\r\n" {
  if (!text.includes("\r\n")) return "\n";
  let balance = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
    balance += text.charCodeAt(at - 1) === CARRIAGE_RETURN ? 1 : -1;
  }
  return balance > 0 ? "\r\n" : "\n";
}

/** One-based number of the line that holds `offset`. */
export function lineNumberAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** Name of an ending for messages. */
export function endingName(ending: Ending): string {
  return ending === "\r\n" ? "CRLF" : ending === "\n" ? "LF" : "none";
}

const CARRIAGE_RETURN = 13;

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
