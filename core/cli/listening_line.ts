/**
 * What `outpost start` says when the agent listens: one line for people, or one object for programs.
 *
 * @module
 */
import { defaultSocketPath, pathFacts } from "../config/default_paths.ts";
import type { Variables } from "../plugin.ts";
import type { PluginStatus } from "../plugin_status.ts";
import type { Program } from "./command.ts";

/** A running agent as seen from outside. */
export interface ListeningFacts {
  readonly program: Program;
  /** `http`, `unix` and what plugins announced. */
  readonly addresses: Readonly<Record<string, string>>;
  /** File that holds the API token. */
  readonly tokenFile?: string;
  readonly plugins: readonly Pick<PluginStatus, "id" | "state">[];
  /** Decides whether commands find the socket by themselves. */
  readonly env: Variables;
}

/** One line with addresses, token file and plugins, and one that says what to do next. Both end in a newline. */
export function describeListening(facts: ListeningFacts): string {
  const { program: { build }, addresses: { http, unix, ...others }, tokenFile } = facts;
  const parts = [
    http,
    unix && `socket ${unix}`,
    ...Object.entries(others).map(([name, address]) => `${name} ${address}`),
    tokenFile && `token in ${tokenFile}`,
    `plugins: ${idsOf(facts, isUp).join(", ") || "none"}`,
    idsOf(facts, hasFailed).length > 0 && `failed: ${idsOf(facts, hasFailed).join(", ")}`,
  ];
  return `${build.name} ${build.version} listens: ${parts.filter((part) => part).join("; ")}\n${hint(facts)}\n`;
}

/** The same for programs. The names of announced addresses cannot hide the agent's own members. */
export function listeningEvent(facts: ListeningFacts): Readonly<Record<string, unknown>> {
  const { program: { build }, addresses, tokenFile } = facts;
  return {
    ...addresses,
    event: "listening",
    http: addresses.http,
    unix: addresses.unix,
    token_file: tokenFile,
    name: build.name,
    version: build.version,
    pid: Deno.pid,
    plugins: idsOf(facts, isUp),
    failed: idsOf(facts, hasFailed),
  };
}

function hint({ program: { invocation }, addresses: { http, unix }, tokenFile, plugins, env }: ListeningFacts): string {
  if (unix === undefined) {
    const token = tokenFile === undefined ? "$OUTPOST_TOKEN" : `$(cat ${tokenFile})`;
    return http === undefined
      ? "Nothing can reach this agent: it listens nowhere"
      : `Try: curl -H "Authorization: Bearer ${token}" ${http}/api/v0/info`;
  }
  const where = unix === (env.OUTPOST_SOCKET || defaultSocketPath(pathFacts(env))) ? "" : ` --unix ${unix}`;
  const canRun = plugins.some((plugin) => plugin.id === "agentproc" && isUp(plugin));
  const first = canRun ? `${invocation} exec${where} -- uname -a` : `${invocation} plugins${where}`;
  return http === undefined ? `Try: ${first}` : `Try: ${first}   or in a browser: ${invocation} open${where}`;
}

function idsOf(
  { plugins }: ListeningFacts,
  matches: (plugin: Pick<PluginStatus, "state">) => boolean,
): readonly string[] {
  return plugins.filter(matches).map((plugin) => plugin.id);
}

function isUp({ state }: Pick<PluginStatus, "state">): boolean {
  return state === "running" || state === "degraded";
}

function hasFailed({ state }: Pick<PluginStatus, "state">): boolean {
  return state === "failed";
}
