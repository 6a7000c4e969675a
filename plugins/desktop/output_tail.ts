/**
 * What a program of the desktop writes: its first line, and its last words for an error message.
 *
 * @module
 */

/** Characters kept of the end of a program's output: the reason is usually the last line. */
const TAIL_CHARACTERS = 500;
/** A line that is meant for programs is short. */
const MAX_LINE_CHARACTERS = 4096;

/** Reads a stream to its end and keeps the last part. */
export class OutputTail {
  /** Resolves when the stream has ended. Never rejects. */
  readonly done: Promise<void>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.done = this.#read(stream);
  }

  /** `: …` with what was written last, or nothing when nothing was. */
  get afterwards(): string {
    const text = this.#text.trim().split("\n").slice(-4).map((line) => line.trim()).join(" ");
    return text === "" ? "" : `: ${text}`;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    try {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        this.#text = (this.#text + text).slice(-TAIL_CHARACTERS);
      }
    } catch {
      // The program was killed: what it said before is kept.
    }
  }
}

/** The first line, without its end; `undefined` when the stream ends before. The rest is read away. */
export async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string | undefined> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    while (!text.includes("\n") && text.length < MAX_LINE_CHARACTERS) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  } catch {
    return undefined; // The program was killed.
  }
  void readAway(reader);
  return text.split("\n", 1)[0]!.trim();
}

/** Reads what nobody wants, so that the program is not held up. Never rejects. */
export async function readAway(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // The program was killed.
  }
}
