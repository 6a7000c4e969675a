/**
 * Cuts output into lines that the control plane can store.
 *
 * @module
 */

/** Stands for bytes that are no text. The control plane's database takes neither invalid UTF-8 nor NUL. */
const UNREADABLE = "\u274C";

/** Characters kept of a line that has not ended: one with more is longer than the control plane takes, and will be dropped whole. */
const MAX_CHARACTERS = 1024 * 1024;

/** Splits bytes at LF, drops one CR before it, and keeps what is unfinished until more comes: of a line without end, its beginning. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** Lines that are complete now. */
  write(chunk: Uint8Array): readonly string[] {
    return this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  /** The unfinished last line, if there is one. */
  end(): readonly string[] {
    const lines = [...this.#take(this.#decoder.decode()), this.#rest];
    this.#rest = "";
    return lines.filter((line, index) => line !== "" || index < lines.length - 1);
  }

  #take(text: string): readonly string[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, MAX_CHARACTERS);
    return lines.map((line) => sanitize(line.endsWith("\r") ? line.slice(0, -1) : line));
  }
}

/** Replaces what cannot be stored. Decoding has already turned invalid UTF-8 into U+FFFD. */
export function sanitize(line: string): string {
  return line.replace(/[\0\uFFFD]/g, UNREADABLE);
}
