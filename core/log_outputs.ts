/**
 * Where the agent's log goes: to standard error, or to what the configuration lists.
 *
 * @module
 */
import { dirname } from "@std/path";

import type { AgentSettings } from "./config/agent_settings.ts";
import { messageOf } from "./errors.ts";
import { LOG_LEVELS, type LogFormat, type LogLevel, type LogSink, openTextSink, type WritableText } from "./log.ts";
import { LogFile } from "./log_file.ts";

/** The log's way out. */
export interface LogOutputs extends Disposable {
  readonly sink: LogSink;
  /** The lowest level that anybody wants; absent when it is the settings' own, which can change. */
  readonly level?: LogLevel;
  /** Outputs that could not be opened, and why; for the others to say. */
  readonly failures: readonly { readonly output: string; readonly reason: string }[];
}

const STANDARD: Readonly<Record<string, typeof Deno.stderr>> = {
  "/dev/stderr": Deno.stderr,
  "/dev/stdout": Deno.stdout,
};

/**
 * Opens what the settings list. An output that cannot be opened is left out, as long as another one can tell of it.
 *
 * @throws {Error} When none of several can be opened.
 */
export async function openLogOutputs({ level, format, outputs }: AgentSettings["log"]): Promise<LogOutputs> {
  if (outputs === undefined) {
    return {
      sink: await openTextSink(chosen(format, Deno.stderr), Deno.stderr),
      failures: [],
      [Symbol.dispose]() {},
    };
  }
  using files = new DisposableStack();
  const sinks: { readonly sink: LogSink; readonly level: LogLevel }[] = [];
  const failures: { output: string; reason: string }[] = [];
  for (const output of outputs) {
    try {
      const target = STANDARD[output.to] ?? files.use(openFile(output));
      sinks.push({ sink: await openTextSink(chosen(output.format, target), target), level: output.level ?? level });
    } catch (error) {
      failures.push({ output: output.to, reason: messageOf(error) });
    }
  }
  const [failure] = failures;
  if (failure !== undefined && sinks.length === 0) {
    throw new Error(`Cannot write the log to "${failure.output}": ${failure.reason}`);
  }
  const open = files.move();
  return {
    sink: (record) => {
      const rank = LOG_LEVELS.indexOf(record.level === "warning" ? "warn" : record.level as LogLevel);
      for (const each of sinks) if (rank >= LOG_LEVELS.indexOf(each.level)) each.sink(record);
    },
    level: LOG_LEVELS.find((each) => sinks.some((sink) => sink.level === each)) ?? level,
    failures,
    [Symbol.dispose]: () => open.dispose(),
  };
}

function openFile({ to, maxBytes, backups }: { to: string; maxBytes: number; backups: number }): LogFile {
  Deno.mkdirSync(dirname(to), { recursive: true });
  return new LogFile(to, { maxBytes, backups });
}

function chosen(format: "auto" | LogFormat, target: WritableText): LogFormat {
  return format === "auto" ? (target.isTerminal?.() ? "pretty" : "json") : format;
}
