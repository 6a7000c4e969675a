/**
 * The parent's log, without what formats the agent's: it is there as long as the agent and says little.
 *
 * @module
 */
import type { LogRecord } from "@logtape/logtape";

import { systemClock } from "../clock.ts";
import { createLogger, jsonLine, LOG_LEVELS, textSink } from "../log.ts";
import type { Logger } from "../plugin.ts";

/**
 * Opens it on standard error. The flags alone decide how it looks, `auto` as for the agent: the configuration is the agent's to
 * read.
 */
export function openParentLog(args: readonly string[], name: string): Logger {
  const format = flagOf(args, "--log-format");
  const isPretty = format === "pretty" || (format !== "json" && Deno.stderr.isTerminal());
  return createLogger({
    category: [name, "reaper"],
    sink: textSink(isPretty ? plainLine : jsonLine, Deno.stderr),
    clock: systemClock,
    level: LOG_LEVELS.find((level) => level === flagOf(args, "--log-level")),
  });
}

/** For people, in the order of the agent's own lines. */
function plainLine({ timestamp, level, rawMessage, category, properties }: LogRecord): string {
  const pairs = Object.entries(properties).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const head = `${new Date(timestamp).toISOString()} [${level.slice(0, 3).toUpperCase()}] ${category.join(".")}:`;
  return `${[head, rawMessage, ...pairs].join(" ")}\n`;
}

/** The last value given, as `--name value` or `--name=value`. */
function flagOf(args: readonly string[], flag: string): string | undefined {
  const at = args.findLastIndex((arg) => arg === flag || arg.startsWith(`${flag}=`));
  if (at < 0) return undefined;
  return args[at] === flag ? args[at + 1] : args[at]!.slice(flag.length + 1);
}
