/**
 * The command line of the real process.
 *
 * @module
 */
import { AGENT_VERSION, type BuildInfo } from "../load_plan.ts";
import type { Plugin } from "../plugin.ts";
import { commandLineOf, invocationFacts, invocationOf } from "./invocation.ts";
import { processIo } from "./io.ts";
import { run } from "./run.ts";

/** Runs `args` and says how the process should exit. */
export async function runProcess(
  args: readonly string[],
  plugins: readonly Plugin[],
  build: BuildInfo = { name: "outpost", version: AGENT_VERSION },
): Promise<number> {
  const io = processIo();
  const facts = invocationFacts(io.cwd);
  return await run(args, io, { build, plugins, invocation: invocationOf(facts), commandLine: commandLineOf(facts) });
}
