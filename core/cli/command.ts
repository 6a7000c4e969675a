/**
 * A command of the binary, as the core writes them.
 *
 * @module
 */
import type { BuildInfo } from "../load_plan.ts";
import type { CommandContext, Plugin } from "../plugin.ts";
import type { FlagSpec, ParsedFlags } from "./flags.ts";
import type { CommandIo } from "./io.ts";

/** The binary that runs the command. */
export interface Program {
  readonly build: BuildInfo;
  readonly plugins: readonly Plugin[];
  /** How people start it: `outpost`, or the whole line under `deno run`. Commands in hints start with it. */
  readonly invocation: string;
  /** The same for programs: what runs this binary's commands. Absent where nobody said. */
  readonly commandLine?: readonly [program: string, ...args: string[]];
}

/** What a core command is given. */
export interface CoreCommandContext extends CommandContext {
  readonly program: Program;
  readonly flags: ParsedFlags;
  readonly io: CommandIo;
}
/** Resolves to the exit code. */
export type RunCommand = (ctx: CoreCommandContext) => Promise<number>;

/** One command. */
export interface CoreCommand {
  /** One or two words. */
  readonly name: string;
  readonly summary: string;
  /** What follows the name and the flags in the usage line. */
  readonly usage?: string;
  readonly flags: readonly FlagSpec[];
  /** Fewest and most words. Default: none. */
  readonly words?: readonly [min: number, max: number];
  /** More for the help: one paragraph per entry. */
  readonly details?: readonly string[];
  /** Whether it handles signals itself; otherwise a second one ends the process. */
  readonly ownsSignals?: boolean;
  /** Loaded when used. */
  readonly load: () => Promise<RunCommand>;
}
