/**
 * The part of the plugin contract that concerns the binary: commands, other ways to start the agent, and checks of the machine. They are
 * there without a running agent, and know nothing of a plugin's context.
 *
 * @module
 */
import type { LogFields } from "./log_fields.ts";
import type { Variables } from "./variables.ts";

/** What a command of the binary is given. */
export interface CommandContext {
  /** Words after the command's name. */
  readonly args: readonly string[];
  readonly env: Variables;
  readonly cwd: string;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Standard input; `null` when it is a terminal, where nobody has prepared anything. */
  readonly input: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** Writes to standard output as it is; add the newline yourself. Resolves when written. */
  out(text: string | Uint8Array): Promise<void>;
  /** Writes to standard error as it is. */
  err(text: string | Uint8Array): Promise<void>;
  /**
   * The running agent of this workspace, or the one behind the socket `unix`.
   *
   * @throws {AgentNotFoundError} When none answers.
   */
  agent(options?: { readonly unix?: string }): Promise<LocalAgent>;
  /**
   * Runs a program to its end in this process's place: with its environment and its standard input, output and error, so that not a byte is
   * copied. Signals to this process go on to it. @since 0.1
   *
   * @throws {SpawnError} When the program cannot be started.
   */
  run(command: readonly [string, ...string[]], options?: RunOptions): Promise<ProgramEnd>;
}
/** How {@linkcode CommandContext.run} runs a program. */
export interface RunOptions {
  /** `"capture"` reads standard output into {@linkcode ProgramEnd.output}; nothing is read from it and nothing else is shown. Default `"inherit"`. */
  readonly io?: "inherit" | "capture";
}
/** How a program ended. */
export interface ProgramEnd {
  /** As a shell reports it: 128 and the signal's number when a signal ended it. */
  readonly exitCode: number;
  /** What it wrote to standard output; empty unless captured. */
  readonly output: string;
}
/** A whole command line, as the process was started. */
export interface CommandLine {
  readonly args: readonly string[];
  readonly env: Variables;
}
/** The agent of this workspace, reached over its Unix socket. */
export interface LocalAgent {
  /** `path` starts with `/`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Absolute path of the socket in use. */
  readonly socketPath: string;
}
/** A command a plugin adds to the binary. */
export interface CommandSpec {
  /** One or two words: `"sync"`, `"sync ping"`. */
  readonly name: string;
  readonly summary: string;
  /** What follows the name in the usage line. */
  readonly usage?: string;
  /**
   * Whether a command line is meant for this command although it does not begin with its name, for callers that know nothing but the path of a
   * program. `args` then are all of the line's. Called for every command line: pure and cheap. @since 0.1
   */
  readonly claims?: (line: CommandLine) => boolean;
  /** Whether it has to clean up before the process ends: a second signal then does not end it at once. @since 0.1 */
  readonly cleansUp?: boolean;
  /** Loaded when used. Resolves to the process's exit code. */
  readonly load: () => Promise<(ctx: CommandContext) => Promise<number>>;
}
/**
 * A command that starts the agent as another program is started. It takes its own flags and those of `start`, and says what they mean for the
 * configuration; the rest is `start`.
 */
export interface StartSpec {
  /** One word: `"agent"`. */
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly StartFlag[];
  /** More for the help: one paragraph per entry. */
  readonly details?: readonly string[];
  /** Loaded when used. @throws {ConfigError} From what it resolves to: what was given cannot be done. */
  readonly load: () => Promise<(given: StartGiven) => StartSettings>;
}
/** One flag of a {@linkcode StartSpec}. */
export interface StartFlag {
  /** Without the dashes. */
  readonly name: string;
  /** What its value is called in the help, such as `PATH`. */
  readonly value: string;
  /** What the flag means without a value; then only `--name=value` gives one. */
  readonly bare?: string;
  /** Whether it may be given more than once. */
  readonly isList?: boolean;
  /** Whether its value may be empty. */
  readonly mayBeEmpty?: boolean;
  /** One sentence for the help. */
  readonly summary: string;
}
/** How the agent was started. */
export interface StartGiven {
  /** Values of a flag, none when it was not given. */
  readonly flag: (name: string) => readonly string[];
  readonly env: Variables;
  /** Absolute. */
  readonly cwd: string;
  /** Ids of the plugins of this binary. */
  readonly plugins: ReadonlySet<string>;
}
/** What that means. */
export interface StartSettings {
  /** Configuration below the file's. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Values above the file's, by path; `source` is what people know them by, such as `--log-dir`. */
  readonly overrides: readonly { readonly path: readonly string[]; readonly value: unknown; readonly source: string }[];
  /** What to say at the start. */
  readonly notes: readonly { readonly level: "info" | "warn"; readonly message: string; readonly fields: LogFields }[];
}
/** One result of `outpost doctor`. */
export interface CheckResult {
  readonly status: "ok" | "warning" | "problem";
  /** What was found. */
  readonly found: string;
  /** How to mend it; present unless `ok`. */
  readonly mend?: string;
}
/** A check a plugin adds to `outpost doctor`. */
export interface CheckSpec {
  readonly name: string;
  readonly summary: string;
  /** Loaded when used. */
  readonly load: () => Promise<(ctx: CommandContext) => Promise<CheckResult>>;
}
