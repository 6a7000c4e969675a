/**
 * `outpost logs`.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";

import type { LogRecord } from "@logtape/logtape";

import type { LocalAgent } from "../../plugin.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { UsageError } from "../flags.ts";

/** Prints lines the agent has kept, and with `--follow` those that come until it ends or a signal arrives. */
export async function logs(ctx: CoreCommandContext): Promise<number> {
  const { flags, signal, out, err } = ctx;
  const query = new URLSearchParams({ lines: countOf(flags.text("lines") ?? "100") });
  for (const name of ["level", "source"]) {
    const value = flags.text(name);
    if (value !== undefined) query.set(name, value);
  }
  if (flags.has("follow")) query.set("follow", "true");
  const agent = await ctx.agent();
  const response = await agent.fetch(`/api/v0/logs?${query}`, { signal });
  if (!response.ok) throw new Error(`Cannot read the log: the agent answered ${response.status}`);

  if (flags.has("follow") && await isSilent(agent)) {
    await err('Nothing is logged yet: the agent logs from "agent.log.level" upwards. Waiting for a line…\n');
  }
  const show = flags.has("json") ? (line: string) => `${line}\n` : await prettyLine();
  const lines = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  try {
    for await (const line of lines) await out(show(line));
  } catch (error) {
    if (!signal.aborted) throw error; // Who presses Ctrl-C has seen enough.
  }
  return EXIT.done;
}

/** Whether there is no line at all, so that who follows would see nothing and not know why. */
async function isSilent(agent: LocalAgent): Promise<boolean> {
  return await (await agent.fetch("/api/v0/logs?lines=1")).text() === "";
}

function countOf(text: string): string {
  if (/^\d{1,9}$/.test(text)) return text;
  throw new UsageError(`The flag "--lines" is a whole number, got "${text}"`);
}

async function prettyLine(): Promise<(line: string) => string> {
  const { prettyFormatter } = await import("../../pretty_log.ts");
  const format = prettyFormatter(Deno.stdout);
  return (line) => format(recordOf(JSON.parse(line)));
}

/** The record that `jsonLine` wrote. */
function recordOf({ "@timestamp": time, level, message, logger, ...properties }: Record<string, unknown>): LogRecord {
  return {
    category: String(logger ?? "outpost").split("."),
    level: level === "WARN" ? "warning" : String(level).toLowerCase() as LogRecord["level"],
    message: [String(message)],
    rawMessage: String(message),
    timestamp: time === undefined ? Date.now() : Date.parse(String(time)),
    properties,
  };
}
