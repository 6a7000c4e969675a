/**
 * What becomes of the log lines an agent sends.
 *
 * @module
 */
import { type Log, Log_Level } from "../../core/proto/gen/agent_pb.ts";
import type { LogLine } from "./store.ts";
import { nowText, timeText } from "./timestamps.ts";
import { NIL_UUID } from "./uuid.ts";

/** Output kept per agent, in bytes. */
export const MAX_LOG_BYTES = 1024 * 1024;
/** The source of lines that name none; agents and web pages of the reference know it under this id. */
export const EXTERNAL_SOURCE = "3b579bf4-1ed8-4b99-87a8-e9a1e3410410";

/** Stands for what no text can hold. */
const CROSS = "\u274c";
/** NUL, and what invalid UTF-8 was decoded to. */
const UNPRINTABLE = /[\0\ufffd]/g;

/** Turns lines of the wire into lines to store. */
export function readLogs(sourceId: string, logs: readonly Log[], nowMs: number): LogLine[] {
  return logs.map(({ createdAt, level, output }) => ({
    sourceId: sourceId === NIL_UUID ? EXTERNAL_SOURCE : sourceId,
    level: LEVELS[level] ?? "info",
    output: output.replace(UNPRINTABLE, CROSS),
    reportedAt: timeText(createdAt, nowMs),
    createdAt: nowText(nowMs),
  }));
}

const LEVELS: Readonly<Record<number, string>> = {
  [Log_Level.TRACE]: "trace",
  [Log_Level.DEBUG]: "debug",
  [Log_Level.INFO]: "info",
  [Log_Level.WARN]: "warn",
  [Log_Level.ERROR]: "error",
};

/** Bytes that count against {@linkcode MAX_LOG_BYTES}. */
export function outputBytes(lines: readonly LogLine[]): number {
  return lines.reduce((bytes, { output }) => bytes + new TextEncoder().encode(output).length, 0);
}

/**
 * How many of the first `incoming` lines are the last `stored` ones. An agent that lost its connection before a batch was
 * acknowledged sends the same lines again, and maybe more behind them.
 */
export function repeatedLines(stored: readonly LogLine[], incoming: readonly LogLine[]): number {
  for (let count = Math.min(stored.length, incoming.length); count > 0; count--) {
    const tail = stored.slice(-count);
    if (tail.every((line, index) => isSame(line, incoming[index]!))) return count;
  }
  return 0;
}

function isSame(a: LogLine, b: LogLine): boolean {
  return a.reportedAt === b.reportedAt && a.output === b.output && a.level === b.level && a.sourceId === b.sourceId;
}
