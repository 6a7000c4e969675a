/**
 * `outpost exec`.
 *
 * @module
 */
import { constants } from "node:os";
import { resolve } from "@std/path";

import {
  OutpostApiError,
  OutpostClient,
  OutpostConnectionError,
  type Processes,
  type ProcessState,
  type SignalProcess,
  type StartProcess,
} from "../../../client/mod.ts";
import type { CoreCommandContext } from "../command.ts";
import { exitCodeOf } from "../end_signal.ts";
import { EXIT } from "../exit_codes.ts";
import { UsageError } from "../flags.ts";

/** Runs a command through the agent. Resolves to its exit code; 128 and the signal's number when a signal ended it. */
export async function exec(ctx: CoreCommandContext): Promise<number> {
  const request = startRequest(ctx);
  const { processes } = new OutpostClient(await ctx.agent());
  const { id } = await processes.start(request);
  const abandoned = Promise.withResolvers<number>();
  using _ = passSignals(ctx, processes, id, abandoned.resolve);
  const over = new AbortController();
  const feeding = feed(ctx, processes, id, over.signal);
  try {
    return await Promise.race([follow(ctx, processes, id), abandoned.promise]);
  } finally {
    over.abort();
    await feeding;
  }
}

function startRequest({ flags, cwd, io }: CoreCommandContext): StartProcess {
  const [command = "", ...args] = flags.words;
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

/** Shows the output until the command ends. */
async function follow(ctx: CoreCommandContext, processes: Processes, id: string): Promise<number> {
  let lostBytes = 0;
  try {
    // The agent is on this machine: a stream that ends means that the agent has, and its processes with it.
    for await (const event of processes.stream(id, { attempts: 0 })) {
      if (event.event === "output") await (event.stream === "errors" ? ctx.err : ctx.out)(event.bytes);
      if (event.event === "gap") lostBytes += event.bytes;
      if (event.event === "exit") return await withLoss(ctx, exitCode(event), lostBytes);
    }
  } catch (error) {
    if (!(error instanceof OutpostConnectionError)) throw error;
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

function exitCode({ exit_code, signal }: Pick<ProcessState, "exit_code" | "signal">): number {
  if (signal === undefined) return exit_code ?? EXIT.failed;
  return 128 + (constants.signals[signal as keyof typeof constants.signals] ?? 0);
}

/** What is sent to the command, more urgent each time. */
const STEPS: readonly SignalProcess["signal"][] = ["interrupt", "terminate", "kill"];

/**
 * Ctrl-C interrupts the command, as a terminal would; once more, it is told to end, then killed, and the fourth time nobody
 * waits for it. Any other signal tells it to end at once, and kills it the next time.
 */
function passSignals(
  ctx: CoreCommandContext,
  processes: Processes,
  id: string,
  abandon: (code: number) => void,
): Disposable {
  let step = 0;
  let sending = Promise.resolve();
  return ctx.io.onSignal((signal) => {
    if (signal !== "SIGINT") step = Math.max(step, STEPS.indexOf("terminate"));
    const name = STEPS[step++];
    if (name === undefined) return abandon(exitCodeOf(signal));
    // One after the other: two requests at once could arrive in the wrong order.
    sending = sending.then(async () => {
      try {
        await processes.signal(id, name);
      } catch (error) {
        // 409 says that it has just ended, which the stream says too. Otherwise nobody is left to tell.
        if (!(error instanceof OutpostApiError)) abandon(exitCodeOf(signal));
      }
    });
  });
}

/** Passes standard input on. Ends quietly: a command that does not read its input is nothing to complain about. */
async function feed(ctx: CoreCommandContext, processes: Processes, id: string, over: AbortSignal): Promise<void> {
  const { input } = ctx.io;
  if (input === null) return;
  try {
    await processes.write(id, input, { close: true, signal: over });
  } catch (error) {
    if (!over.aborted && !(error instanceof OutpostApiError)) await ctx.err(`Cannot pass on the input: ${error}\n`);
  }
}
