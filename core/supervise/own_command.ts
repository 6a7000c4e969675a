/**
 * How this process was started, so that it can be started once more.
 *
 * @module
 */
import { NO_REAP } from "./supervision.ts";

/** A program and its words; the first one is its name. */
export interface OwnCommand {
  readonly path: string;
  readonly argv: readonly string[];
}

/** What {@linkcode childCommand} is made from. */
export interface OwnCommandFacts {
  /** Every word, the program's name first. */
  readonly commandLine: readonly string[];
  /** What the program itself was given, the command first. */
  readonly args: readonly string[];
  readonly executable: string;
}

/**
 * The same command with `--no-reap` behind the command's name. What stands before it stays: the flags of `deno run` and the
 * script, or nothing in a compiled binary.
 */
export function childCommand({ commandLine, args, executable }: OwnCommandFacts): OwnCommand {
  const [command = "", ...rest] = args;
  return {
    path: executable,
    argv: [...commandLine.slice(0, commandLine.length - args.length), command, NO_REAP, ...rest],
  };
}

/** The facts of this process. `args` are what its program was given. @throws {Error} Without `/proc`. */
export function ownCommandFacts(args: readonly string[]): OwnCommandFacts {
  const commandLine = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(0, -1);
  return { commandLine, args, executable: Deno.execPath() };
}
