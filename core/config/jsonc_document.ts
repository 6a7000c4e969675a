/**
 * JSON with comments, with the place of every value, so that a problem can name its line.
 *
 * @module
 */
import { parse } from "@std/jsonc";

/** A place in a text; both count from 1. */
export interface Place {
  readonly line: number;
  /** In UTF-16 code units, as editors count. */
  readonly column: number;
}
/** A member that is given twice in one object. */
export interface DuplicateMember {
  readonly path: string;
  readonly place: Place;
}
/** A parsed text. */
export interface JsoncDocument {
  readonly value: unknown;
  /** Where the value at a dotted path starts. */
  readonly places: ReadonlyMap<string, Place>;
  readonly duplicates: readonly DuplicateMember[];
}

/** The text is not JSON with comments. */
export class JsoncSyntaxError extends SyntaxError {
  override readonly name = "JsoncSyntaxError";

  constructor(message: string, readonly place: Place) {
    super(message);
  }
}

/**
 * Parses `text`.
 *
 * @throws {JsoncSyntaxError} If it is not JSON with comments (trailing commas are allowed).
 */
export function parseJsonc(text: string): JsoncDocument {
  const plain = text.replace(/^\uFEFF/, " "); // a byte order mark, as some editors write
  let value: unknown;
  try {
    value = parse(plain);
  } catch (error) {
    throw syntaxError(plain, error instanceof Error ? error.message : String(error));
  }
  const found = new Scanner(plain);
  found.value([]);
  return { value, places: found.places, duplicates: found.duplicates };
}

/** The dotted form of a path, as messages and origins use it. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

function syntaxError(text: string, message: string): JsoncSyntaxError {
  const position = /at position (\d+)$/.exec(message);
  const token = /unexpected token "([\s\S]*)" in JSONC/.exec(message)?.[1];
  const offset = position === null ? text.length : Number(position[1]);
  const quoted = token?.startsWith('"') ? token : `"${token}"`;
  // What stands before it ends a value, and then another one begins.
  const lacksComma = /["}\]\w]\s*$/.test(text.slice(0, offset)) && /^["{[\w]/.test(token ?? "");
  const hint = lacksComma ? ": is a comma missing before it?" : "";
  const what = position === null ? "the text ends too early" : `${quoted} is not expected here${hint}`;
  return new JsoncSyntaxError(what, new Lines(text).placeOf(offset));
}

/** Turns offsets into places. */
class Lines {
  /** Offset at which each line starts. */
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#starts = [0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), (end) => end.index + end[0].length)];
  }

  placeOf(offset: number): Place {
    let [line, after] = [0, this.#starts.length];
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if (this.#starts[middle]! <= offset) line = middle;
      else after = middle;
    }
    return { line: line + 1, column: offset - this.#starts[line]! + 1 };
  }
}

/** Walks a text that is known to parse, and notes where each value starts. */
class Scanner {
  readonly places = new Map<string, Place>();
  readonly duplicates: DuplicateMember[] = [];
  readonly #lines: Lines;
  #at = 0;

  constructor(readonly text: string) {
    this.#lines = new Lines(text);
  }

  value(path: readonly string[]): void {
    this.#skipSpace();
    this.places.set(dotted(path), this.#lines.placeOf(this.#at));
    const first = this.text[this.#at];
    if (first === "{") this.#object(path);
    else if (first === "[") this.#array(path);
    else if (first === '"') this.#string();
    else this.#at += /^[^\s[\]{}:,/]*/.exec(this.text.slice(this.#at, this.#at + LONGEST_WORD))![0].length;
  }

  #object(path: readonly string[]): void {
    const names = new Set<string>();
    while (this.#next("}")) {
      const start = this.#at;
      const name = this.#string();
      const inner = [...path, name];
      if (names.has(name)) this.duplicates.push({ path: dotted(inner), place: this.#lines.placeOf(start) });
      names.add(name);
      this.#skipSpace();
      this.#at++; // the colon
      this.value(inner);
    }
  }

  #array(path: readonly string[]): void {
    for (let index = 0; this.#next("]"); index++) this.value([...path, String(index)]);
  }

  /** Steps over an opening bracket or a comma; `false` when `close` was stepped over instead. */
  #next(close: "}" | "]"): boolean {
    this.#skipSpace();
    if (this.text[this.#at] !== close) {
      this.#at++;
      this.#skipSpace();
    }
    if (this.text[this.#at] !== close) return true;
    this.#at++;
    return false;
  }

  #string(): string {
    const start = this.#at++;
    while (this.text[this.#at] !== '"') this.#at += this.text[this.#at] === "\\" ? 2 : 1;
    return JSON.parse(this.text.slice(start, ++this.#at));
  }

  #skipSpace(): void {
    SPACE_AND_COMMENTS.lastIndex = this.#at;
    SPACE_AND_COMMENTS.exec(this.text);
    this.#at = Math.max(this.#at, SPACE_AND_COMMENTS.lastIndex);
  }
}

/** Longest number or keyword looked at, in characters: far more than a double needs. */
const LONGEST_WORD = 4096;
const SPACE_AND_COMMENTS = /(?:[ \t\r\n]+|\/\*[\s\S]*?\*\/|\/\/[^\r\n]*)*/y;
