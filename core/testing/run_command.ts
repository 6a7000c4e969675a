/**
 * Commands of plugins, run as the binary runs them.
 *
 * @module
 */
import { RecordedIo, type RecordedIoOptions } from "../cli/recorded_io.ts";
import { run } from "../cli/run.ts";
import type { Plugin } from "../plugin.ts";

/** How a command ended. */
export interface CommandEnd {
  readonly exitCode: number;
  /** What it wrote to standard output. */
  readonly output: string;
  /** What it wrote to standard error. */
  readonly errors: string;
}

/**
 * Runs one command line of a binary with these plugins, without a process: commands of plugins, and `doctor` with their checks. To let it
 * reach a test agent, give both the same socket: `agent: { listen: { unix: path } }` there, `OUTPOST_SOCKET` in `env` here.
 *
 * @example
 * const { exitCode, output } = await runCommand([notes], ["notes", "list"]);
 */
export async function runCommand(
  plugins: readonly Plugin[],
  args: readonly string[],
  options: RecordedIoOptions = {},
): Promise<CommandEnd> {
  const io = new RecordedIo(options);
  const exitCode = await run(args, io, {
    ...{ build: { name: "outpost", version: "0.0.0" }, plugins },
    ...{ invocation: "outpost", commandLine: ["outpost"] },
  });
  return { exitCode, output: io.output, errors: io.errors };
}
