/**
 * Where this agent's own source is, so that projects beside it can import it.
 *
 * @module
 */
import { fromFileUrl, join, relative, resolve } from "@std/path";

import { AGENT_VERSION } from "./load_plan.ts";

/** Name under which projects import the agent. */
export const PACKAGE = "@outpost/agent";

/** A checkout on this machine, or a published package. */
export type AgentSource =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "package"; readonly specifier: string };

/** What `deno.json` of a project needs to import the agent by {@linkcode PACKAGE}. */
export interface ProjectSettings {
  /** Folders that stand in for packages. Absent for a published agent. */
  readonly links?: readonly string[];
  readonly imports: Readonly<Record<string, string>>;
  readonly nodeModulesDir: "none";
  readonly unstable: readonly string[];
}

/** Settings that the agent runs with, and that Deno reads from the root of a project only. */
const RUNTIME = { nodeModulesDir: "none", unstable: ["no-legacy-abort"] } as const;
/** A plugin's schemas must be of the zod that the agent reads them with. Kept equal to `deno.json` by a test. */
export const ZOD = "npm:zod@4.6.7";

/** Generated code of a plugin must be of the protobuf that the agent speaks it with. Kept equal to `deno.json` by a test. */
export const PROTOBUF: Readonly<Record<string, string>> = {
  "@bufbuild/protobuf": "npm:@bufbuild/protobuf@2.17.0",
  "@bufbuild/protobuf/": "npm:/@bufbuild/protobuf@2.17.0/",
};

/** The agent that runs: its checkout when it runs from one, its package otherwise. */
export function ownSource(): AgentSource {
  const isCheckout = !Deno.build.standalone && import.meta.url.startsWith("file:");
  if (isCheckout) return { kind: "path", path: fromFileUrl(new URL("../", import.meta.url)).replace(/\/$/, "") };
  return { kind: "package", specifier: `jsr:${PACKAGE}@${AGENT_VERSION}` };
}

/**
 * The agent that somebody names, by a path or as `jsr:@outpost/agent@VERSION`.
 *
 * @throws {TypeError} If it is neither.
 */
export function readSource(text: string, cwd: string): AgentSource {
  if (/^jsr:@[^/]+\/[^/@]+(@[^/]+)?$/.test(text)) return { kind: "package", specifier: text };
  if (/^[a-z][a-z0-9+.-]+:/.test(text)) {
    throw new TypeError(`Cannot use the agent "${text}": expected a path, or jsr:${PACKAGE}@VERSION`);
  }
  const path = resolve(cwd, text);
  if (!isAgent(path)) throw new TypeError(`Cannot use the agent "${text}": "${path}" holds no ${PACKAGE}`);
  return { kind: "path", path };
}

/** The settings of a project in `directory`. `undefined` inside of the checkout, whose own settings hold there. */
export function projectSettings(source: AgentSource, directory: string): ProjectSettings | undefined {
  if (source.kind === "package") return { imports: { [PACKAGE]: source.specifier, ...PROTOBUF, zod: ZOD }, ...RUNTIME };
  const way = relative(source.path, directory);
  if (!way.startsWith("..")) return undefined;
  return {
    links: [relative(directory, source.path)],
    imports: { [PACKAGE]: `jsr:${PACKAGE}@*`, ...PROTOBUF, zod: ZOD },
    ...RUNTIME,
  };
}

function isAgent(path: string): boolean {
  try {
    return JSON.parse(Deno.readTextFileSync(join(path, "deno.json"))).name === PACKAGE;
  } catch {
    return false; // Not there, or not readable as one: either way it is no agent.
  }
}
