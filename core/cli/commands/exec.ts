/**
 * `outpost exec`.
 *
 * @module
 */
import { constants } from "node:os";
import { decodeBase64 } from "@std/encoding/base64";
import { resolve } from "@std/path";

import type { LocalAgent } from "../../plugin.ts";
import { answerOf, refusalOf } from "../agent_answer.ts";
import type { CoreCommandContext } from "../command.ts";
import { readEvents } from "../event_stream.ts";
import { EXIT } from "../exit_codes.ts";
import { UsageError } from "../flags.ts";
import { exitCodeOf } from "../io.ts";

/** Runs a command through the agent. Resolves to its exit code; 128 and the signal's number when a signal ended it. */
export async function exec(ctx: CoreCommandContext): Promise<number> {
  const request = startRequest(ctx);
  const agent = await ctx.agent();
  const { id } = await answerOf<{ readonly id: string }>(await post(agent, "start", request));
  const process = `/api/v0/processes/${encodeURIComponent(id)}`;
  const abandoned = Promise.withResolvers<number>();
  using _ = passSignals(ctx, agent, process, abandoned.resolve);
  const over = new AbortController();
  const feeding = feed(ctx, agent, process, over.signal);
  try {
    return await Promise.race([follow(ctx, agent, process), abandoned.promise]);
  } finally {
    over.abort();
    await feeding;
  }
}

function startRequest({ flags, cwd, io }: CoreCommandContext): Readonly<Record<string, unknown>> {
  const [command, ...args] = flags.words;
  const directory = flags.text("cwd");
  return {
    command,
    // One word may be a line such as "make test | tail -3"; several are a program and its arguments.
    args: args.length === 0 ? undefined : args,
    workdir: directory === undefined ? undefined : resolve(cwd, directory),
    env: Object.fromEntries(flags.list("env").map(variable)),
    output: "separate",
    stdin: io.input === null ? "null" : "piped",
    // As under a terminal, the command waits for whoever reads: nothing of its output may be lost.
    hold_output: true,
  };
}

function variable(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw new UsageError(`Cannot read "${text}": expected --env NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function post(agent: LocalAgent, route: string, body: unknown): Promise<Response> {
  return agent.fetch(`/api/v0/processes/${route}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** Shows the output until the command ends. */
async function follow(ctx: CoreCommandContext, agent: LocalAgent, process: string): Promise<number> {
  const response = await agent.fetch(`${process}/stream`);
  if (!response.ok || response.body === null) throw await refusalOf(response);
  let lostBytes = 0;
  for await (const { event, data } of readEvents(response.body)) {
    const facts = JSON.parse(data);
    if (event === "output") await (facts.stream === "errors" ? ctx.err : ctx.out)(bytesOf(facts));
    if (event === "gap") lostBytes += facts.bytes;
    if (event === "exit") return await withLoss(ctx, exitCode(facts), lostBytes);
  }
  throw new Error("The agent ended before the command did");
}

/** Output that is not whole must not look like success to a script. */
async function withLoss(ctx: CoreCommandContext, code: number, lostBytes: number): Promise<number> {
  if (lostBytes === 0) return code;
  await ctx.err(
    `Error: ${lostBytes} bytes of output were lost, as they were not read for too long. ` +
      "Let the command write to a file, or raise plugins.agentproc.config.readerGraceMs\n",
  );
  return code === EXIT.done ? EXIT.failed : code;
}

function bytesOf({ text, base64 }: { readonly text?: string; readonly base64?: string }): string | Uint8Array {
  return text ?? decodeBase64(base64 ?? "");
}

function exitCode({ exit_code, signal }: { readonly exit_code?: number; readonly signal?: Deno.Signal }): number {
  if (signal === undefined) return exit_code ?? EXIT.failed;
  return 128 + (constants.signals[signal as keyof typeof constants.signals] ?? 0);
}

/** What is sent to the command, more urgent each time. */
const STEPS = ["interrupt", "terminate", "kill"] as const;

/**
 * Ctrl-C interrupts the command, as a terminal would; once more, it is told to end, then killed, and the fourth time nobody
 * waits for it. Any other signal tells it to end at once, and kills it the next time.
 */
function passSignals(
  ctx: CoreCommandContext,
  agent: LocalAgent,
  process: string,
  abandon: (code: number) => void,
): Disposable {
  let step = 0;
  return ctx.io.onSignal(async (signal) => {
    if (signal !== "SIGINT") step = Math.max(step, STEPS.indexOf("terminate"));
    const name = STEPS[step++];
    if (name === undefined) return abandon(exitCodeOf(signal));
    try {
      const response = await agent.fetch(`${process}/signal`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ signal: name }),
      });
      await response.body?.cancel(); // 409 says that it has just ended, which the stream says too.
    } catch {
      abandon(exitCodeOf(signal)); // The agent is gone, so there is nobody left to tell.
    }
  });
}

/** Passes standard input on. Ends quietly: a command that does not read its input is nothing to complain about. */
async function feed(ctx: CoreCommandContext, agent: LocalAgent, process: string, over: AbortSignal): Promise<void> {
  const { input } = ctx.io;
  if (input === null) return;
  try {
    const response = await agent.fetch(`${process}/stdin?close=true`, { method: "POST", body: input, signal: over });
    await response.body?.cancel();
  } catch (error) {
    if (!over.aborted) await ctx.err(`Cannot pass on the input: ${error}\n`);
  }
}
