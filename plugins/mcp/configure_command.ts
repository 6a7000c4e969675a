/**
 * `outpost mcp configure`: adds Outpost to the settings of an MCP client.
 *
 * @module
 */
import { resolve } from "@std/path";

import { EXIT } from "../../core/cli/exit_codes.ts";
import { parseFlags, UsageError } from "../../core/cli/flags.ts";
import { selfCommand } from "../../core/cli/self_command.ts";
import { suggestion } from "../../core/config/suggestion.ts";
import { messageOf } from "../../core/errors.ts";
import type { CommandContext } from "../../core/plugin.ts";
import { replaceFile } from "../../core/replace_file.ts";
import { MCP_CLIENTS, type McpClient, parseSettings, type ServerEntry } from "./client_config.ts";
import { CLIENT_FLAGS, type ClientOptions, clientOptions } from "./client_flags.ts";
import { reportTask } from "./tools/report_task.ts";

const FLAGS = [
  ...CLIENT_FLAGS,
  { name: "config", value: "FILE", summary: "The client's settings, where they are not in the usual place." },
  { name: "dry-run", summary: "Print what the file would hold, and change nothing." },
];

/** Writes the server's entry, or prints the file with `--dry-run`. Other settings stay as they are. */
export async function configureClient(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "mcp configure", flags: FLAGS, words: [1, 2] });
  const [name, directory] = flags.words as [string, string?];
  const client = clientOf(name);
  const project = projectOf(name, client, directory, ctx.cwd);
  const options = clientOptions(flags, ctx.env, (text) => void ctx.err(`${text}\n`));
  const home = ctx.env.HOME;
  if (home === undefined) throw new Error("Cannot find the client's settings: the variable HOME is not set");

  const path = resolve(ctx.cwd, flags.text("config") ?? client.path({ home, project, os: Deno.build.os }));
  const before = await textOf(path);
  const server = serverEntry(flags.text("unix"), options);
  const after = settingsWith(
    path,
    before ?? "",
    (settings) =>
      client.add(settings, server, { project, tools: options.appSlug === undefined ? [] : [reportTask.name] }),
  );
  if (flags.has("dry-run")) await ctx.out(after);
  else if (after === before) await ctx.out(`Nothing to change in ${path}\n`);
  else {
    await replaceFile(path, after);
    await ctx.out(`Added outpost to ${path}\nThe agent has to run when the client starts it: outpost start\n`);
  }
  return EXIT.done;
}

function clientOf(name: string): McpClient {
  const client = Object.hasOwn(MCP_CLIENTS, name) ? MCP_CLIENTS[name] : undefined;
  if (client !== undefined) return client;
  const known = Object.keys(MCP_CLIENTS);
  throw new UsageError(`Cannot configure "${name}"${suggestion(name, known)}: known are ${known.join(", ")}`);
}

function projectOf(name: string, { scope }: McpClient, directory: string | undefined, cwd: string): string | undefined {
  if (scope === "project" && directory === undefined) {
    throw new UsageError(`The directory of the project is missing: mcp configure ${name} DIRECTORY`);
  }
  if (scope === "user" && directory !== undefined) {
    throw new UsageError(`"${name}" has no settings per project; leave "${directory}" out`);
  }
  return directory === undefined ? undefined : resolve(cwd, directory);
}

function serverEntry(unix: string | undefined, { allowedTools, appSlug, agentApi }: ClientOptions): ServerEntry {
  const [command, ...args] = selfCommand();
  const flags: readonly [string, string | undefined][] = [
    ["--unix", unix],
    ["--allowed-tools", allowedTools.join(",") || undefined],
    ["--app-status-slug", appSlug],
    ["--ai-agentapi-url", agentApi?.href],
  ];
  const given = flags.flatMap(([flag, value]) => value === undefined ? [] : [flag, value]);
  return { command, args: [...args, "mcp", ...given] };
}

function settingsWith(path: string, text: string, add: (settings: ReturnType<typeof parseSettings>) => object): string {
  try {
    return `${JSON.stringify(add(parseSettings(text)), null, 2)}\n`;
  } catch (error) {
    throw new Error(`Cannot change ${path}: ${messageOf(error)}. Mend the file, or name another with --config`);
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
