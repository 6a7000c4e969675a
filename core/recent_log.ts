/**
 * The latest lines of the agent's log in memory, for people who ask a running agent what happened.
 *
 * @module
 */
import type { LogRecord } from "@logtape/logtape";

import { jsonLine, LOG_LEVELS, type LogLevel } from "./log.ts";
import { Waiters } from "./waiters.ts";

/** Lines kept. Enough to see what led to a failure. */
const MAX_LINES = 2000;
/** Characters of all lines together; one with a long field must not push out everything else for good. */
const MAX_CHARACTERS = 1024 * 1024;

/** Which lines are wanted. */
export interface LogQuery {
  /** Latest lines that were written before; 0 for none. */
  readonly lines: number;
  /** Lines below it are left out. */
  readonly level: LogLevel;
  /** Last part of the logger's name: `core` or a plugin's id. Absent: all. */
  readonly source?: string;
}

interface Line {
  readonly level: LogLevel;
  readonly source: string;
  /** One JSON object and a line feed. */
  readonly text: string;
}

/** Keeps lines and hands them out. A reader that is slow costs nothing: it is told how many lines it missed. */
export class RecentLog {
  #lines: Line[] = [];
  #characters = 0;
  /** Lines that were kept once and are gone. */
  #dropped = 0;
  #isClosed = false;
  readonly #waiters = new Waiters();

  /** Takes records, beside the sink that writes them. */
  readonly sink = (record: LogRecord): void => {
    const text = jsonLine(record);
    const level = record.level === "warning" ? "warn" : record.level as LogLevel;
    this.#lines.push({ level, source: record.category.at(-1) ?? "", text });
    this.#characters += text.length;
    while (this.#lines.length > MAX_LINES || (this.#characters > MAX_CHARACTERS && this.#lines.length > 1)) {
      this.#characters -= this.#lines.shift()!.text.length;
      this.#dropped++;
    }
    this.#waiters.wake();
  };

  /** The latest lines that are wanted, oldest first. */
  tail(query: LogQuery): readonly string[] {
    const wanted = this.#lines.filter((line) => isWanted(line, query)).map(({ text }) => text);
    return query.lines === 0 ? [] : wanted.slice(-query.lines);
  }

  /** What {@linkcode tail} gives, then each later line, until the signal is aborted or the log is closed. */
  async *follow(query: LogQuery, signal: AbortSignal): AsyncGenerator<string, void> {
    let next = this.#dropped + this.#lines.length;
    yield* this.tail(query);
    while (!signal.aborted) {
      if (next < this.#dropped) {
        yield missedLine(this.#dropped - next);
        next = this.#dropped;
      }
      const line = this.#lines[next - this.#dropped];
      if (line !== undefined) {
        next++;
        if (isWanted(line, query)) yield line.text;
      } else if (this.#isClosed) {
        return;
      } else {
        await this.#waiters.wait(signal);
      }
    }
  }

  /** Ends every reader once it has the last line. */
  close(): void {
    this.#isClosed = true;
    this.#waiters.wake();
  }
}

function isWanted(line: Line, { level, source }: LogQuery): boolean {
  return LOG_LEVELS.indexOf(line.level) >= LOG_LEVELS.indexOf(level) &&
    (source === undefined || line.source === source);
}

function missedLine(count: number): string {
  const line = { level: "WARN", message: "lines were lost because they were read too slowly", lost: count };
  return `${JSON.stringify(line)}\n`;
}
