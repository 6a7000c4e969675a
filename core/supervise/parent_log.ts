/**
 * The parent's log, without what formats the agent's: it is there as long as the agent and says little.
 *
 * It knows by name a command that a plugin brings, as `supervision.ts` does. A plugin's declaration cannot say it: the parent
 * is there before any plugin is loaded and never loads one. What each binary's own `main()` would have to say, a binary could
 * forget, and its containers would have no such file.
 *
 * @module
 */
import type { LogRecord } from "@logtape/logtape";

import { systemClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { createLogger, jsonLine, LOG_LEVELS, type LogSink, textSink } from "../log.ts";
import { LogFile } from "../log_file.ts";
import type { Logger } from "../plugin.ts";

/** In Coder's place the parent also writes where the reference's does: name, size and number are the reference's. */
const DROP_IN_COMMAND = "agent";
const FILE_NAME = "coder-agent-init.log";
const FILE_LIMITS = { maxBytes: 5 * 1024 * 1024, backups: 1 };

/**
 * Opens it on standard error, and as `outpost agent` in a file beside the agent's own. The flags alone decide how it looks, `auto`
 * as for the agent: the configuration is the agent's to read.
 */
export function openParentLog(args: readonly string[], name: string): Logger {
  const format = flagOf(args, "--log-format");
  const isPretty = format === "pretty" || (format !== "json" && Deno.stderr.isTerminal());
  const category = [name, "reaper"];
  const level = LOG_LEVELS.find((level) => level === flagOf(args, "--log-level"));
  const screen = textSink(isPretty ? plainLine : jsonLine, Deno.stderr);
  const onScreen = createLogger({ category, sink: screen, clock: systemClock, level });
  if (args[0] !== DROP_IN_COMMAND) return onScreen;
  const directory = flagOf(args, "--log-dir") || Deno.env.get("CODER_AGENT_LOG_DIR") || Deno.env.get("TMPDIR") ||
    "/tmp";
  const path = `${directory.replace(/\/+$/, "")}/${FILE_NAME}`;
  try {
    Deno.mkdirSync(directory, { recursive: true });
    const file = textSink(plainLine, new LogFile(path, FILE_LIMITS));
    const sink: LogSink = (record) => [screen, file].forEach((each) => each(record));
    return createLogger({ category, sink, clock: systemClock, level });
  } catch (error) {
    onScreen.warn("log file not opened", { output: path, error: messageOf(error) });
    return onScreen;
  }
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
