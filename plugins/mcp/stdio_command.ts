/**
 * `outpost mcp`: the running agent's tools on standard input and output.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";

import { aborted } from "../../core/aborted.ts";
import { EXIT } from "../../core/cli/exit_codes.ts";
import { parseFlags } from "../../core/cli/flags.ts";
import { systemClock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { CommandContext, LocalAgent } from "../../core/plugin.ts";
import { ALLOWED_TOOLS_HEADER, APP_SLUG_HEADER, SCREEN_WATCHED_HEADER } from "./caller.ts";
import { CLIENT_FLAGS, type ClientOptions, clientOptions, flagOrVariable } from "./client_flags.ts";
import { type ScreenEvent, watchScreen } from "./screen_watch.ts";
import { StdioRelay } from "./stdio_relay.ts";
import { reportTask } from "./tools/report_task.ts";

const INSTRUCTIONS_FLAG = {
  name: "instructions",
  value: "TEXT",
  summary: "What the model is told about the tools, in place of the agent's own words.",
};

const ABOUT = `This command speaks the Model Context Protocol and is started by a client, not by hand. To add it to one:
  outpost mcp configure claude-code .
Other clients take the command "outpost" with the argument "mcp". The agent has to run: outpost start
`;

/** Serves until standard input ends and every request has its answer, or a signal comes. */
export async function serveStdio(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "mcp", flags: [...CLIENT_FLAGS, INSTRUCTIONS_FLAG], words: [0, 0] });
  if (ctx.input === null) {
    await ctx.err(ABOUT);
    return EXIT.usage;
  }
  const warn = (text: string) => void ctx.err(`${text}\n`);
  const client = clientOptions(flags, ctx.env, warn);
  const instructions = flagOrVariable(flags, ctx.env, "instructions");
  const agent = await ctx.agent({ unix: flags.text("unix") });
  const headers = headersOf(client);
  warn(`Task reporter  : ${await reporterState(agent, client, headers)}`);

  using ending = new DisposableStack();
  const ended = new AbortController();
  ending.defer(() => ended.abort());
  const signal = AbortSignal.any([ctx.signal, ended.signal]);
  const watching = client.agentApi && watchScreen({
    ...{ url: client.agentApi, clock: systemClock, signal, warn },
    report: (event) => reportEvent(agent, headers, event),
  });
  const relay = new StdioRelay({ agent, headers, instructions, write: (line) => ctx.out(line), warn });
  await Promise.race([aborted(signal), relayAll(ctx.input, relay)]);
  await relay.close();
  ended.abort();
  await watching;
  return EXIT.done;
}

function headersOf({ appSlug, agentApi, allowedTools }: ClientOptions): Record<string, string> {
  return {
    ...(appSlug !== undefined && { [APP_SLUG_HEADER]: appSlug }),
    ...(agentApi !== undefined && { [SCREEN_WATCHED_HEADER]: "true" }),
    ...(allowedTools.length > 0 && { [ALLOWED_TOOLS_HEADER]: allowedTools.join(",") }),
  };
}

/** Whether reports on the task will arrive, for the log of the client. */
async function reporterState(
  agent: LocalAgent,
  { appSlug }: ClientOptions,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  if (appSlug === undefined) return "Disabled (no --app-status-slug)";
  try {
    const response = await agent.fetch("/api/v0/mcp/tools", { headers });
    const { tools } = await response.json() as { readonly tools: readonly { readonly name: string }[] };
    const isOffered = tools.some(({ name }) => name.endsWith(`__${reportTask.name}`));
    return isOffered ? "Enabled" : "Disabled (the agent's plugin agentsocket does not run, or the tool is not allowed)";
  } catch (error) {
    return `Disabled (${messageOf(error)})`;
  }
}

async function reportEvent(
  agent: LocalAgent,
  headers: Readonly<Record<string, string>>,
  { state, userMessage }: ScreenEvent,
): Promise<void> {
  const response = await agent.fetch("/api/v0/mcp/task-events", {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ state, user_message: userMessage }),
  });
  const answer = await response.json() as { readonly message?: string; readonly detail?: string };
  if (!response.ok) throw new Error(answer.detail ?? answer.message ?? `status ${response.status}`);
}

async function relayAll(input: ReadableStream<Uint8Array<ArrayBuffer>>, relay: StdioRelay): Promise<void> {
  const lines = input.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) await relay.take(line);
  await relay.idle();
}
