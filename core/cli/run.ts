/**
 * Runs one command line and says how the process should exit.
 *
 * @module
 */
import { AgentNotFoundError, ConfigError, messageOf, PluginError } from "../errors.ts";
import type { CommandContext } from "../plugin.ts";
import type { CoreCommand, Program } from "./command.ts";
import { EXIT } from "./exit_codes.ts";
import { parseFlags, UsageError } from "./flags.ts";
import { commandHelp, overview } from "./help.ts";
import { exitCodeOf } from "./end_signal.ts";
import type { CommandIo } from "./io.ts";
import { findAgent, type LocalAgentClient } from "./local_agent.ts";
import { claimedBy, commandTable, findCommand, type FoundCommand, type TableEntry } from "./table.ts";

/** Runs `args`. Never throws: what goes wrong is written to standard error and becomes the exit code. */
export async function run(args: readonly string[], io: CommandIo, program: Program): Promise<number> {
  try {
    return await dispatch(args, io, program);
  } catch (error) {
    await io.err(`${describe(error, program)}\n`);
    return error instanceof UsageError || error instanceof ConfigError ? EXIT.usage : EXIT.failed;
  }
}

async function dispatch(args: readonly string[], io: CommandIo, program: Program): Promise<number> {
  const table = commandTable(program.plugins);
  const claimed = claimedBy(table, { args, env: io.env });
  if (claimed !== undefined) return await runEntry(claimed, args, io, program);
  const [first, ...rest] = args;
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    const text = rest.length === 0
      ? overview(program, table)
      : commandHelp(program, (await find(table, rest, io, program)).entry);
    await io.out(text);
    return EXIT.done;
  }
  // Habit from other tools.
  const words = first === "--version" || first === "-V" ? ["version", ...rest] : args;
  const { entry, args: own } = await find(table, words, io, program);
  if (asksForHelp(own)) {
    await io.out(commandHelp(program, entry));
    return EXIT.done;
  }
  return await runEntry(entry, own, io, program);
}

/** Looks into the plugins that a configuration imports only for what the binary does not have: reading it costs time. */
async function find(
  table: readonly TableEntry[],
  words: readonly string[],
  { env, cwd }: CommandIo,
  program: Program,
): Promise<FoundCommand> {
  try {
    return findCommand(table, words);
  } catch (error) {
    if (!env.OUTPOST_CONFIG) throw error;
    const { importedPlugins } = await import("./imported_plugins.ts");
    const flags = { text: () => undefined, list: () => [] };
    const imported = await importedPlugins({ env, cwd, flags, program });
    return findCommand(commandTable([...program.plugins, ...imported]), words);
  }
}

/** `--help` counts up to the first word, so that `exec ls --help` asks `ls`. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.findIndex((arg) => !arg.startsWith("-") || arg === "--");
  return args.slice(0, end < 0 ? undefined : end).some((arg) => arg === "--help" || arg === "-h");
}

async function runEntry(
  entry: TableEntry,
  args: readonly string[],
  io: CommandIo,
  program: Program,
): Promise<number> {
  const abort = new AbortController();
  using agents = new DisposableStack();
  const unix = { path: undefined as string | undefined };
  const ctx: CommandContext = {
    args,
    env: io.env,
    cwd: io.cwd,
    signal: abort.signal,
    out: (text) => io.out(text),
    err: (text) => io.err(text),
    get input() {
      return io.input;
    },
    agent: async (options): Promise<LocalAgentClient> =>
      agents.use(await findAgent({ env: io.env, cwd: io.cwd, unix: options?.unix ?? unix.path })),
    run: (command, options) => io.run(command, options),
  };
  if (entry.owner === "core") {
    const flags = parseFlags(args, { ...entry.command, command: entry.command.name, words: wordsOf(entry.command) });
    unix.path = flags.text("unix");
    const command = await entry.command.load();
    const full = { ...ctx, input: null, program, flags, io };
    if (entry.command.ownsSignals) return await command(full);
    return await untilSecondSignal(io, abort, () => command(full));
  }
  const { load, cleansUp = false } = entry.command;
  const command = await load();
  return await untilSecondSignal(io, abort, () => command(ctx), cleansUp);
}

function wordsOf(command: CoreCommand): readonly [number, number] {
  return command.words ?? [0, 0];
}

/** The first signal asks the command to end; a second one does not wait for it, unless it is `patient`. */
async function untilSecondSignal(
  io: CommandIo,
  abort: AbortController,
  work: () => Promise<number>,
  patient = false,
): Promise<number> {
  const impatient = Promise.withResolvers<number>();
  let first: number | undefined;
  using _ = io.onSignal((signal) => {
    if (first !== undefined && !patient) impatient.resolve(exitCodeOf(signal));
    first ??= exitCodeOf(signal);
    abort.abort(new DOMException(`Ended by ${signal}`, "AbortError"));
  });
  try {
    return await Promise.race([work(), impatient.promise]);
  } catch (error) {
    if (first !== undefined && abort.signal.aborted && isAbort(error)) return first;
    throw error;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

function describe(error: unknown, program: Program): string {
  if (error instanceof UsageError) return `${error.message}\nSee: ${program.invocation} help`;
  if (error instanceof AgentNotFoundError) {
    return `${error.message}\nStart one with: ${program.invocation} start\n` +
      `If it listens elsewhere, say where: --unix PATH, or OUTPOST_SOCKET=PATH`;
  }
  if (error instanceof ConfigError || error instanceof PluginError) return error.message;
  return `Error: ${messageOf(error)}`;
}
