/**
 * The commands of the binary: the core's own and those that plugins bring.
 *
 * @module
 */
import { suggestion } from "../config/suggestion.ts";
import { readDefinition } from "../definition.ts";
import type { CommandLine, CommandSpec, Plugin } from "../plugin.ts";
import type { CoreCommand } from "./command.ts";
import { CORE_COMMANDS } from "./commands/mod.ts";
import { startCommand } from "./commands/start_as.ts";
import { UsageError } from "./flags.ts";

/** A command, and whose it is. */
export type TableEntry =
  | { readonly owner: "core"; readonly command: CoreCommand }
  | { readonly owner: "plugin"; readonly plugin: string; readonly command: CommandSpec };

/** Every command, the core's first, then further ways to start the agent. A plugin cannot take a name of the core's. */
export function commandTable(plugins: readonly Plugin[]): readonly TableEntry[] {
  const starts = plugins.flatMap((plugin) => (readDefinition(plugin).definition?.starts ?? []).map(startCommand));
  const own = [...CORE_COMMANDS, ...starts].map((command): TableEntry => ({ owner: "core", command }));
  const taken = new Set(own.map(({ command }) => command.name));
  const brought = plugins.flatMap((plugin): TableEntry[] => {
    const commands = readDefinition(plugin).definition?.commands ?? [];
    return commands.filter(({ name }) => !taken.has(name))
      .map((command) => ({ owner: "plugin", plugin: plugin.id, command }));
  });
  return [...own, ...brought];
}

/** The command of a plugin that claims the whole line, if one does. */
export function claimedBy(table: readonly TableEntry[], line: CommandLine): TableEntry | undefined {
  return table.find((entry) => entry.owner === "plugin" && entry.command.claims?.(line) === true);
}

/** What was found for a line of words. */
export interface FoundCommand {
  readonly entry: TableEntry;
  /** What follows the command's name. */
  readonly args: readonly string[];
}

/**
 * Finds the command that `words` start with; two words win over one.
 *
 * @throws {UsageError} If there is none, with the nearest name.
 */
export function findCommand(table: readonly TableEntry[], words: readonly string[]): FoundCommand {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const entry = table.find(({ command }) => command.name === name);
    if (entry !== undefined) return { entry, args: words.slice(length) };
  }
  throw new UsageError(unknownCommand(table.map(({ command }) => command.name), words));
}

function unknownCommand(names: readonly string[], [first = "", second]: readonly string[]): string {
  const below = names.filter((name) => name.startsWith(`${first} `));
  if (below.length === 0) {
    return `Unknown command "${first}"${suggestion(first, names.map((name) => name.split(" ")[0]!))}`;
  }
  const choices = below.map((name) => name.slice(first.length + 1)).join(", ");
  if (second === undefined || second.startsWith("-")) return `"${first}" is followed by one of: ${choices}`;
  const near = suggestion(`${first} ${second}`, below);
  return `Unknown command "${first} ${second}"${near || `: "${first}" is followed by one of: ${choices}`}`;
}
