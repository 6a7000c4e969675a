/**
 * What `help` and `--help` print.
 *
 * @module
 */
import type { Program } from "./command.ts";
import type { FlagSpec } from "./flags.ts";
import type { TableEntry } from "./table.ts";

/** All commands, one line each. */
export function overview(program: Program, table: readonly TableEntry[]): string {
  const { build, invocation } = program;
  return [
    `${build.name} ${build.version}: an agent for one workspace. It runs commands, edits files and serves tools.`,
    "",
    `Usage: ${invocation} COMMAND [FLAGS] [WORDS]`,
    "",
    "Commands:",
    ...columns(table.map(({ command }) => [command.name, command.summary])),
    "",
    `Flags of a command: ${invocation} help COMMAND`,
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 128+N ended by signal N.",
    "",
  ].join("\n");
}

/** One command in detail. */
export function commandHelp(program: Program, entry: TableEntry): string {
  const { name, summary, usage } = entry.command;
  const flags: readonly FlagSpec[] = entry.owner === "core" ? entry.command.flags : [];
  const line = [program.invocation, name, ...(flags.length > 0 ? ["[FLAGS]"] : []), ...(usage ? [usage] : [])].join(
    " ",
  );
  const parts = [summary, `Usage: ${line}`];
  if (flags.length > 0) parts.push(["Flags:", ...columns(flags.map(describeFlag))].join("\n"));
  if (entry.owner === "core") parts.push(...entry.command.details ?? []);
  else parts.push(`This command comes from the plugin "${entry.plugin}".`);
  return `${parts.join("\n\n")}\n`;
}

function describeFlag({ name, value, choices, isList, summary }: FlagSpec): [string, string] {
  const shown = choices?.join("|") ?? value;
  return [shown === undefined ? `--${name}` : `--${name} ${shown}`, isList ? `${summary} May be repeated.` : summary];
}

/** Two columns, the second aligned. */
function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
