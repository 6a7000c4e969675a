/**
 * The command line of the real process.
 *
 * @module
 */
import { AGENT_VERSION, type BuildInfo } from "../load_plan.ts";
import type { Plugin } from "../plugin.ts";
import { invocationFacts, invocationOf } from "./invocation.ts";
import { processIo } from "./io.ts";
import { run } from "./run.ts";
import { selfCommand } from "./self_command.ts";

/** Runs `args` and says how the process should exit. */
export async function runProcess(
  args: readonly string[],
  plugins: readonly Plugin[],
  build: BuildInfo = { name: "outpost", version: AGENT_VERSION },
): Promise<number> {
  const io = processIo();
  const invocation = invocationOf(invocationFacts(io.cwd));
  return await run(args, io, { build, plugins, invocation, commandLine: selfCommand() });
}
