/**
 * The configuration as the command line gives it.
 *
 * @module
 */
import { dirname, join } from "@std/path";

import { defaultAgentSocketPath, defaultSocketPath, pathFacts, runtimeDirectory } from "../config/default_paths.ts";
import { mergeLayers } from "../config/layers.ts";
import type { LoadedConfig } from "../config/loaded_config.ts";
import type { ConfigOverride } from "../config/read_layers.ts";
import { resolveConfig } from "../config/resolve_config.ts";
import { readDefinition } from "../definition.ts";
import type { StartSettings, Variables } from "../plugin.ts";
import type { Program } from "./command.ts";
import type { FlagSpec, ParsedFlags } from "./flags.ts";

/** Flags of every command that reads the configuration. */
export const CONFIG_FLAGS: readonly FlagSpec[] = [
  { name: "config", value: "FILE", summary: "Configuration file, JSON with comments (default: OUTPOST_CONFIG)." },
  {
    name: "set",
    value: "PATH=VALUE",
    isList: true,
    summary: "Sets one value, such as plugins.agentproc.config.maxProcesses=8; wins over the file.",
  },
];

/** Flags that are short for one value of the configuration. */
export const SETTING_FLAGS: readonly (FlagSpec & { readonly path: readonly string[] })[] = [
  {
    name: "listen",
    value: "HOST:PORT",
    path: ["agent", "listen", "tcp"],
    summary: "Address of the HTTP listener; port 0 picks a free one.",
  },
  { name: "unix", value: "PATH", path: ["agent", "listen", "unix"], summary: "Unix socket to listen on." },
  {
    name: "dir",
    value: "DIR",
    path: ["agent", "directory"],
    summary: "Working directory of processes that name none (default: the home directory).",
  },
  {
    name: "token-file",
    value: "FILE",
    path: ["agent", "tokenFile"],
    summary: "File with the API token; written with a random one when it is missing or empty.",
  },
  {
    name: "log-format",
    value: "FORMAT",
    choices: ["auto", "pretty", "json"],
    path: ["agent", "log", "format"],
    summary: "How the log looks; json makes every line of output JSON.",
  },
  {
    name: "log-level",
    value: "LEVEL",
    choices: ["debug", "info", "warn", "error"],
    path: ["agent", "log", "level"],
    summary: "Lowest level that is logged.",
  },
];

/** What {@linkcode loadConfig} reads. */
export interface LoadConfigOptions {
  readonly env: Variables;
  /** Absolute. */
  readonly cwd: string;
  readonly flags: Pick<ParsedFlags, "text" | "list">;
  /** The binary whose plugins the configuration is about. */
  readonly program: Pick<Program, "plugins">;
  /** What another program's words mean; below the file, and between the file and what is named here. */
  readonly settings?: Pick<StartSettings, "defaults" | "overrides">;
}

/**
 * Reads the configuration in the order built-in defaults, file, `--set`, `OUTPOST_TOKEN`, named flags.
 *
 * @throws {ConfigError} With every problem.
 */
export function loadConfig({ env, cwd, flags, program, settings }: LoadConfigOptions): LoadedConfig {
  const overrides: ConfigOverride[] = [...settings?.overrides ?? []];
  if (env.OUTPOST_TOKEN) {
    overrides.push({ path: ["agent", "token"], value: env.OUTPOST_TOKEN, source: "OUTPOST_TOKEN" });
  }
  for (const { name, path } of SETTING_FLAGS) {
    const value = flags.text(name);
    if (value !== undefined) overrides.push({ path, value, source: `--${name}` });
  }
  const loaded = resolveConfig({
    file: flags.text("config") ?? (env.OUTPOST_CONFIG || undefined),
    defaults: mergeLayers([
      {
        value: {
          agent: {
            listen: { unix: defaultSocketPath(pathFacts(env)), agentSocket: defaultAgentSocketPath(pathFacts(env)) },
          },
        },
        ...DEFAULT,
      },
      { value: settings?.defaults, ...DEFAULT },
    ]).value,
    sets: flags.list("set"),
    plugins: program.plugins.flatMap((plugin) => readDefinition(plugin).definition ?? []),
    ...{ overrides, env, cwd },
  });
  return withTokenFile(loaded, env);
}

/** Whose word a default is, when two of them are put together. */
const DEFAULT = { source: "default", baseDir: "/" };

/** People find the token in a file beside the socket, unless they brought a token or named a file. */
function withTokenFile(loaded: LoadedConfig, env: Variables): LoadedConfig {
  const { agent } = loaded;
  if (agent.token !== undefined || agent.tokenFile !== undefined || agent.listen.tcp === null) return loaded;
  const { unix } = agent.listen;
  const tokenFile = unix === null
    ? join(runtimeDirectory(pathFacts(env)), `agent-${Deno.pid}.token`)
    : join(dirname(unix), `${unix.slice(dirname(unix).length + 1).replace(/\.sock$/, "")}.token`);
  return { ...loaded, agent: { ...agent, tokenFile } };
}
