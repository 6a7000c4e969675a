/**
 * Structured logging: one line per event, a constant message, everything that varies in fields.
 *
 * Lines are LogTape records, and LogTape formats them for people. Its process-wide configuration is not used, so that two
 * agents in one process keep their logs apart: a logger writes to the sink it was made with.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";

import type { LogRecord, Sink } from "@logtape/logtape";

import type { Clock, LogFields, Logger, LogValue } from "./plugin.ts";

/** Severity of a line. */
export type LogLevel = "debug" | "info" | "warn" | "error";
/** Levels, least severe first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[];
/** Takes finished records. Must not throw. */
export type LogSink = (record: LogRecord) => void;

/** What {@linkcode createLogger} needs. */
export interface LoggerOptions {
  /** Dotted path shown on each line: the agent's name, then `core` or the plugin's id. */
  readonly category: readonly string[];
  readonly sink: LogSink;
  readonly clock: Pick<Clock, "now">;
  /** Lines below it are dropped; a function is asked for each line. Default `"info"`. */
  readonly level?: LogLevel | (() => LogLevel);
  /** Fields of every line. */
  readonly fields?: LogFields;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const LOGTAPE_LEVEL = { debug: "debug", info: "info", warn: "warning", error: "error" } as const;

/** Makes a logger; it costs one comparison when a line is below `level`. */
export function createLogger(options: LoggerOptions): Logger {
  const { category, sink, clock, fields: own } = options;
  const { level: lowest = "info" } = options;
  function writer(level: LogLevel): Logger["info"] {
    const taped = LOGTAPE_LEVEL[level];
    const isDropped = () => RANK[level] < RANK[typeof lowest === "function" ? lowest() : lowest];
    if (typeof lowest === "string" && isDropped()) return () => {};
    return (message, fields) => {
      if (isDropped()) return;
      sink({
        category,
        level: taped,
        message: [message],
        rawMessage: message,
        timestamp: clock.now(),
        properties: plain({ ...own, ...scopedFields.getStore(), ...fields }),
      });
    };
  }
  return Object.freeze({ debug: writer("debug"), info: writer("info"), warn: writer("warn"), error: writer("error") });
}

/** Immutable per asynchronous context, so that agents of one process cannot see each other's fields. */
const scopedFields = new AsyncLocalStorage<LogFields>();

/** Runs `fn` so that every line logged inside it, also asynchronously, carries `fields`. */
export function withLogFields<T>(fields: LogFields, fn: () => T): T {
  return scopedFields.run({ ...scopedFields.getStore(), ...fields }, fn);
}

/** What a formatter can print; an error becomes its name, message and causes. */
function plain(fields: LogFields): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) result[key] = plainValue(value);
  }
  return result;
}

function plainValue(value: LogValue): unknown {
  if (value instanceof Error) return describeError(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === "object" && value !== null) return plain(value as LogFields);
  return value;
}

/** Longest chain of causes that is written out. A longer one is a loop. */
const MAX_CAUSES = 5;

function describeError(error: Error): string {
  let text = `${error.name}: ${error.message}`;
  let at: unknown = error.cause;
  for (let depth = 1; at instanceof Error && depth < MAX_CAUSES; depth++, at = at.cause) {
    // A wrapper usually quotes what it wraps; say it once.
    if (!text.includes(at.message)) text += ` <- ${at.name}: ${at.message}`;
  }
  return text;
}

/** `"pretty"` for people, `"json"` for programs: one object per line. `"stackdriver"`: the same with the names Google Cloud Logging knows. */
export type LogFormat = "pretty" | "json" | "stackdriver";
/** All of them. */
export const LOG_FORMATS = ["pretty", "json", "stackdriver"] as const satisfies readonly LogFormat[];

/** Where lines go: usually standard error. */
export interface WritableText {
  writeSync(bytes: Uint8Array): number;
  isTerminal?(): boolean;
}

/** A sink that formats and writes at once, so that the last words before an exit are not lost. */
export async function openTextSink(format: LogFormat, target: WritableText): Promise<LogSink> {
  // LogTape loads 11 ms of Deno's Node layer, which programs that read JSON need not wait for.
  if (format === "pretty") return textSink((await import("./pretty_log.ts")).prettyFormatter(target), target);
  return textSink(format === "json" ? jsonLine : stackdriverLine, target);
}

/** A sink of lines that `formatter` makes, each with its end. */
export function textSink(formatter: (record: LogRecord) => string, target: WritableText): LogSink {
  const encoder = new TextEncoder();
  return (record) => {
    let rest = encoder.encode(formatter(record));
    try {
      while (rest.length > 0) rest = rest.subarray(target.writeSync(rest));
    } catch {
      // The reader of the log is gone (EPIPE). There is no other place to say so, and the agent must go on.
    }
  };
}

/** One object and a line feed. A field cannot pass for the time, the level, the message or the logger. */
export function jsonLine({ timestamp, level, rawMessage, category, properties }: LogRecord): string {
  const head = {
    "@timestamp": new Date(timestamp).toISOString(),
    level: level === "warning" ? "WARN" : level.toUpperCase(),
    message: rawMessage,
    logger: category.join("."),
  };
  return oneLine({ ...head, ...properties, ...head });
}

/** @see https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields */
function stackdriverLine({ timestamp, level, rawMessage, category, properties }: LogRecord): string {
  const head = {
    severity: level.toUpperCase(),
    message: rawMessage,
    time: new Date(timestamp).toISOString(),
    logger: category.join("."),
  };
  return oneLine({ ...head, ...properties, ...head });
}

function oneLine(value: Readonly<Record<string, unknown>>): string {
  // JSON allows these raw, and terminals obey some of them.
  return `${JSON.stringify(value).replace(CONTROLS, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}\n`;
}

const CONTROLS = /[\x7f-\x9f]/g;

/** Keeps the latest records in memory, for tests. */
export class LogBuffer {
  readonly records: LogRecord[] = [];

  /** @param capacity Records kept; older ones are dropped. */
  constructor(readonly capacity = 1000) {}

  /** Pass this to {@linkcode createLogger}. */
  readonly sink: Sink = (record) => {
    this.records.push(record);
    if (this.records.length > this.capacity) this.records.shift();
  };
}
