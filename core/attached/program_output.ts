/**
 * What an attached program writes to its standard output and error, as log lines.
 *
 * @module
 */
import type { Clock, Logger } from "../plugin.ts";
import { Pace } from "./pace.ts";

/** Lines logged per second; further ones are counted. A person reads none of them at that pace anyway. */
const LINES_PER_SECOND = 100;
/** Bytes read per second: a program that writes faster waits, as it would for a terminal. */
const BYTES_PER_SECOND = 1024 * 1024;
/** Longest line kept, in characters; the rest of it is dropped. */
const MAX_LINE = 8192;

/** Lets log lines of one program through, up to {@linkcode LINES_PER_SECOND}, and says how many it did not. */
export class LineGate {
  readonly #pace: Pace;
  readonly #log: Logger;
  #dropped = 0;

  constructor(clock: Clock, log: Logger) {
    this.#pace = new Pace(clock, LINES_PER_SECOND);
    this.#log = log;
  }

  /** Writes the line, or counts it. */
  write(level: keyof Logger, ...line: Parameters<Logger["info"]>): void {
    if (!this.#pace.take()) return void this.#dropped++;
    this.flush();
    this.#log[level](...line);
  }

  /** Says what was dropped since the last time. */
  flush(): void {
    if (this.#dropped === 0) return;
    this.#log.warn("log lines dropped", { dropped: this.#dropped, lines_per_second: LINES_PER_SECOND });
    this.#dropped = 0;
  }
}

/**
 * Reads `output` to its end, a line of it a line of the log. Never rejects.
 *
 * @param signal Ends the waiting, and with it the pace: the program is being ended, and what it still says is wanted.
 */
export async function logOutput(
  output: ReadableStream<Uint8Array>,
  gate: LineGate,
  options: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const pace = new Pace(options.clock, BYTES_PER_SECOND);
  let line = "";
  const put = (text: string) => line += text.slice(0, MAX_LINE - line.length);
  const end = () => {
    if (line.trim() !== "") gate.write("info", "output", { line: line.trimEnd() });
    line = "";
  };
  try {
    const decoder = new TextDecoder();
    for await (const bytes of output) {
      const [first = "", ...rest] = decoder.decode(bytes, { stream: true }).split("\n");
      put(first);
      for (const next of rest) {
        end();
        put(next);
      }
      await pace.spend(bytes.length, options.signal).catch(() => {}); // Aborted: nothing is held back any more.
    }
  } catch {
    // The pipe was cut with its program; what came before is in the log.
  }
  end();
  gate.flush();
}
