/**
 * Deno files on the attached road: what a plugin declares becomes the walls of its process.
 *
 * @module
 */
import { dirname } from "@std/path";

import { notAFile } from "../config/deno_file.ts";
import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import { MARK_VARIABLE } from "../exec/process_scan.ts";
import { findInPath } from "../exec/program.ts";
import { NETWORK_VARIABLES } from "../network_variables.ts";
import type { Child, Clock, Logger, PluginPermissions, SpawnOptions, Variables } from "../plugin.ts";
import { AttachedPluginError } from "./attached_error.ts";
import type { ProgramCommand } from "./program_command.ts";
import type { ProgramEntry } from "./program_entry.ts";
import {
  DESCRIBE_ARGUMENT,
  type PluginDescription,
  PROTOCOLS_VARIABLE,
  SOCKET_VARIABLE,
  TOKEN_VARIABLE,
} from "./protocol.ts";

/** Variables that Deno itself reads: where packages are, here and elsewhere. The plugin sees them only if it may read them. */
export const DENO_VARIABLES: readonly string[] = [
  "HOME",
  "XDG_CACHE_HOME",
  "DENO_DIR",
  "JSR_URL",
  "NPM_CONFIG_REGISTRY",
  ...NETWORK_VARIABLES,
];
/** Time for a file to say what it is, in milliseconds: it may have to load packages for the first time. */
const DESCRIBE_MS = 10_000;
/** Most output kept of a file that was asked what it is, in characters. */
const MAX_DESCRIPTION = 256 * 1024;

/** What the road knows beside the entry. */
export interface DenoSurroundings extends Pick<DescribeOptions, "start" | "clock" | "signal"> {
  readonly log: Logger;
  /** Those of the agent's variables that have these names. */
  readonly named: (names: readonly string[]) => Variables;
  readonly prefix: readonly string[];
  /** `PATH` of the agent, where a compiled one looks for `deno`. */
  readonly searchPath: string;
}

/** @throws {AttachedPluginError} When there is no Deno, or the file does not say what it is. */
export async function denoCommand(entry: ProgramEntry, surroundings: DenoSurroundings): Promise<ProgramCommand> {
  const { from, attached: { args, env } } = entry;
  const deno = denoPath(surroundings.searchPath);
  const variables = { ...surroundings.named([...DENO_VARIABLES, ...env]), NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const { permissions = {} } = await describeFile(from, { ...surroundings, deno, variables });
  surroundings.log.info("attached with the permissions it declares", { permissions: flagsOf(permissions).join(" ") });
  return {
    program: deno,
    argumentsFor: (socketPath) => [
      ...["run", "--quiet", "--no-prompt", ...flagsOf(withMeeting(permissions, socketPath))],
      from,
      ...args,
    ],
    variables,
    access: { whole: permissions.run !== undefined, visible: (name) => allows(permissions.env, name) },
    prefix: surroundings.prefix,
  };
}

/** Starts a child with exactly these variables. */
export type StartProgram = (options: SpawnOptions, variables: Variables) => Promise<Child>;

/** What {@linkcode describeFile} needs. */
export interface DescribeOptions {
  /** Absolute path of Deno. */
  readonly deno: string;
  readonly variables: Variables;
  readonly start: StartProgram;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Asks a file which plugin it is. The file runs without any permission, so that asking is safe.
 *
 * @throws {AttachedPluginError} With what the file wrote when it does not answer.
 */
export async function describeFile(file: string, options: DescribeOptions): Promise<PluginDescription> {
  const { deno, variables, start, clock, signal } = options;
  const [text, said] = await new Deadline(clock, DESCRIBE_MS).run(
    `asking "${file}" which plugin it is`,
    async (cut) => {
      const child = await start({
        command: [deno, "run", "--quiet", "--no-prompt", file, DESCRIBE_ARGUMENT],
        cwd: dirname(file),
        output: "separate",
        signal: cut,
      }, { ...variables, NO_COLOR: "1" }).catch((error) => {
        throw new AttachedPluginError(messageOf(error), { cause: error });
      });
      return await Promise.all([textOf(child.output), textOf(child.errors!)]);
    },
    { signal, graceMs: 0 },
  );
  const description = parse(text.slice(text.lastIndexOf("\n") + 1));
  if (description === undefined) {
    const absent = notAFile(file);
    if (absent !== undefined) throw new AttachedPluginError(absent);
    throw new AttachedPluginError(noDescription(file, said), { retriable: false });
  }
  if (description.problems.length > 0) {
    throw new AttachedPluginError(`the definition in "${file}" is wrong: ${description.problems.join("; ")}`, {
      retriable: false,
    });
  }
  return description;
}

/** The Deno that runs this agent, or the one on `searchPath` for a compiled agent. @throws {AttachedPluginError} */
export function denoPath(searchPath: string): string {
  if (!Deno.build.standalone) return Deno.execPath();
  const found = findInPath("deno", searchPath);
  if (found !== undefined) return found;
  throw new AttachedPluginError(
    'attaching a file needs "deno", which is not on the PATH: install it, or attach a program',
  );
}

async function textOf(output: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of output) {
    if (text.length < MAX_DESCRIPTION) text += decoder.decode(bytes, { stream: true });
  }
  return text.trim();
}

/** Flags of `deno run` that grant exactly this. */
export function flagsOf(permissions: PluginPermissions): readonly string[] {
  return Object.entries(permissions).flatMap(([kind, granted]) =>
    granted === true ? [`--allow-${kind}`] : granted.length === 0 ? [] : [`--allow-${kind}=${granted.join(",")}`]
  );
}

/** What the program needs to meet the agent: the private directory, its sockets, and the variables that name them. */
function withMeeting(permissions: PluginPermissions, socketPath: string): PluginPermissions {
  const directory = dirname(socketPath);
  const more = (granted: true | readonly string[] | undefined, names: readonly string[]) =>
    granted === true ? true : [...granted ?? [], ...names];
  return {
    ...permissions,
    read: more(permissions.read, [directory]),
    write: more(permissions.write, [directory]),
    net: more(permissions.net, [`unix:${socketPath}`, `unix:${directory}/http.sock`]),
    env: more(permissions.env, [SOCKET_VARIABLE, TOKEN_VARIABLE, PROTOCOLS_VARIABLE, MARK_VARIABLE]),
  };
}

function allows(granted: true | readonly string[] | undefined, name: string): boolean {
  return granted === true || (granted?.includes(name) ?? false);
}

function parse(line: string): PluginDescription | undefined {
  try {
    const value = JSON.parse(line) as Partial<PluginDescription> | null;
    return typeof value?.id === "string" && Array.isArray(value.problems) ? value as PluginDescription : undefined;
  } catch {
    return undefined; // The caller says what came instead.
  }
}

/** How Deno begins to say that a file does not run. */
const DENO_ERROR = /^error: (?:Uncaught )?(?:\(in promise\) )?/m;

function noDescription(file: string, said: string): string {
  const start = DENO_ERROR.exec(said);
  if (start !== null) {
    const what = said.slice(start.index + start[0].length).split(/\n+Stack backtrace:/)[0]!;
    return `cannot run "${file}": ${what}`;
  }
  const hint = `its last line has to be: if (import.meta.main) await serveAttached(plugin), which ` +
    `"@outpost/agent/attached" exports`;
  return `"${file}" does not say which plugin it is${said === "" ? `; ${hint}` : `: ${said}`}`;
}
