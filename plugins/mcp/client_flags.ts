/**
 * What an MCP client's command line says about the client; shared by the command that serves and the one that configures.
 *
 * @module
 */
import { type FlagSpec, type ParsedFlags, UsageError } from "../../core/cli/flags.ts";
import { suggestion } from "../../core/config/suggestion.ts";
import { toolNames } from "./caller.ts";
import { WORKSPACE_TOOL_NAMES } from "./tools/tool_names.ts";

/** Flags of both commands. */
export const CLIENT_FLAGS: readonly FlagSpec[] = [
  { name: "unix", value: "PATH", summary: "Socket of the agent. Default: OUTPOST_SOCKET, or the usual place." },
  { name: "allowed-tools", value: "NAMES", summary: "Only these tools, with commas between. Default: all." },
  { name: "app-status-slug", value: "SLUG", summary: "Workspace app under which the task is reported." },
  { name: "ai-agentapi-url", value: "URL", summary: "AgentAPI whose screen events are reported too." },
];

/** Environment variables that stand in for flags; those of Coder's own server. */
const VARIABLES: Readonly<Record<string, string>> = {
  "allowed-tools": "CODER_MCP_ALLOWED_TOOLS",
  "app-status-slug": "CODER_MCP_APP_STATUS_SLUG",
  "ai-agentapi-url": "CODER_MCP_AI_AGENTAPI_URL",
  "instructions": "CODER_MCP_INSTRUCTIONS",
};

/** Who the client is. */
export interface ClientOptions {
  /** Empty: all. */
  readonly allowedTools: readonly string[];
  readonly appSlug?: string;
  readonly agentApi?: URL;
}

/** The value of a flag, or of the environment variable that stands in for it; an empty one counts as none. */
export function flagOrVariable(
  flags: ParsedFlags,
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  return flags.text(name) ?? (env[VARIABLES[name]!] || undefined);
}

/**
 * Reads who the client is. `warn` is told of names that are no tool: another server's configuration may name its own.
 *
 * @throws {UsageError} When the address is none, or names no app to report for.
 */
export function clientOptions(
  flags: ParsedFlags,
  env: Readonly<Record<string, string | undefined>>,
  warn: (text: string) => void,
): ClientOptions {
  const allowedTools = toolNames(flagOrVariable(flags, env, "allowed-tools") ?? "");
  const known = WORKSPACE_TOOL_NAMES;
  for (const name of allowedTools.filter((name) => !known.includes(name))) {
    warn(`There is no tool "${name}"${suggestion(name, known)}; the tools are ${known.join(", ")}`);
  }
  const appSlug = flagOrVariable(flags, env, "app-status-slug");
  const agentApi = flagOrVariable(flags, env, "ai-agentapi-url");
  if (agentApi !== undefined && appSlug === undefined) {
    throw new UsageError('The flag "--ai-agentapi-url" needs "--app-status-slug": it says for which app to report');
  }
  return {
    allowedTools,
    ...(appSlug !== undefined && { appSlug }),
    ...(agentApi !== undefined && { agentApi: httpUrl(agentApi) }),
  };
}

function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new UsageError(`The flag "--ai-agentapi-url" is an address such as http://localhost:3284, got "${text}"`);
}
