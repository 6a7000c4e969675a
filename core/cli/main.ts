/**
 * The entry point of every agent binary: the stock one and those with other plugins.
 *
 * @module
 */
import { AGENT_VERSION, type BuildInfo } from "../load_plan.ts";
import type { Plugin } from "../plugin.ts";
import { invocationFacts, invocationOf } from "./invocation.ts";
import { processIo } from "./io.ts";
import { run } from "./run.ts";

/** What {@linkcode main} takes. */
export interface MainOptions {
  /** Name and version of the binary. Default: `outpost` and this version. */
  readonly build?: BuildInfo;
  /** Plugins of the binary, in the order they are set up where needs leave a choice. */
  readonly plugins: readonly Plugin[];
  /** Default: the process's arguments. */
  readonly args?: readonly string[];
}

/**
 * Runs the command line, then exits the process: 0 done, 1 failed, 2 wrong usage or configuration, 128 and its number for a
 * signal. Never returns; the only place of the agent that exits.
 *
 * @example An agent of your own
 * await main({ build: { name: "acme-agent", version: "4.2.0" }, plugins: [agentproc, audit] });
 */
export async function main(options: MainOptions): Promise<never> {
  const io = processIo();
  const program = {
    build: options.build ?? { name: "outpost", version: AGENT_VERSION },
    plugins: options.plugins,
    invocation: invocationOf(invocationFacts(io.cwd)),
  };
  Deno.exit(await run(options.args ?? Deno.args, io, program));
}
