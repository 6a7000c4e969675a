/**
 * Reads what `definePlugin` returned: the only place that looks behind the opaque {@linkcode Plugin}.
 *
 * @module
 */
import {
  type AnyNeed,
  type AnyToken,
  CONTRACT_MAJOR,
  type Needs,
  type Plugin,
  type PluginDefinition,
  type Stability,
} from "./plugin.ts";

/** A definition whose configuration and needs do not matter to the reader. */
// deno-lint-ignore no-explicit-any
export type AnyDefinition = PluginDefinition<any, Needs>;

/** A plugin's id, and what a route segment may look like. */
export const PLUGIN_ID = /^[a-z][a-z0-9-]{1,31}$/;
/** What a plugin's own version may look like. */
export const SEMANTIC_VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const SEGMENT = /^[a-z0-9][a-z0-9-]{0,63}$/;
const SERVICE_ID = /^[a-z][a-z0-9-]{1,31}\/[a-z][a-z0-9-]*(@[1-9][0-9]*)?$/;
const STABILITIES: readonly Stability[] = ["experimental", "beta", "stable", "deprecated"];

/** A definition, or everything that is wrong with it. */
export type DefinitionReading =
  | { readonly definition: AnyDefinition; readonly problems: readonly [] }
  | { readonly definition?: undefined; readonly problems: readonly string[] };

/** Checks that `plugin` is a well-formed definition for this contract. Pure; runs no plugin code. */
export function readDefinition(plugin: unknown): DefinitionReading {
  if (typeof plugin !== "object" || plugin === null || typeof (plugin as Plugin).id !== "string") {
    return { problems: [`a plugin is what definePlugin() returns, not ${describe(plugin)}`] };
  }
  const definition = plugin as AnyDefinition;
  const problems = RULES.flatMap((rule) => rule(definition) ?? []);
  return problems.length === 0 ? { definition, problems: [] } : { problems };
}

const RULES: readonly ((d: AnyDefinition) => string | undefined)[] = [
  (d) =>
    PLUGIN_ID.test(d.id) ? undefined : `id is "${d.id}": expected a lower-case word of 2 to 32 letters, digits or "-"`,
  (d) =>
    typeof d.version === "string" && SEMANTIC_VERSION.test(d.version)
      ? undefined
      : `version is ${describe(d.version)}: expected a semantic version such as "1.0.0"`,
  (d) => (d.api as unknown) === CONTRACT_MAJOR ? undefined : wrongContract(d.api),
  (d) => typeof d.summary === "string" && d.summary !== "" ? undefined : "summary is missing: one sentence is expected",
  (d) =>
    STABILITIES.includes(d.stability)
      ? undefined
      : `stability is ${describe(d.stability)}: expected ${STABILITIES.map((s) => `"${s}"`).join(", ")}`,
  (d) =>
    (d.stability === "deprecated") === (d.deprecated !== undefined)
      ? undefined
      : `"deprecated" and stability "deprecated" belong together: one of them is missing`,
  (d) => typeof d.setup === "function" ? undefined : `setup is ${describe(d.setup)}: expected a function`,
  (d) => {
    const bad = mountSegments(d).filter((segment) => typeof segment !== "string" || !SEGMENT.test(segment));
    return bad.length === 0
      ? undefined
      : `mount has ${bad.map(describe).join(", ")}: expected route segments like "git"`;
  },
  (d) => {
    const tokens = [...Object.values(d.needs ?? {}).map(tokenOf), ...(d.provides ?? [])];
    const bad = tokens.filter((token) => token?.kind !== "service" || !SERVICE_ID.test(token.id));
    return bad.length === 0
      ? undefined
      : `service ${bad.map((token) => describe(token?.id)).join(", ")} is not named "<plugin>/<name>"`;
  },
  (d) => wrongPermissions(d.permissions),
];

/** What a plugin may touch, by the names of Deno's own permissions. */
const PERMISSIONS: readonly string[] = ["read", "write", "net", "env", "run", "sys", "ffi"];

function wrongContract(api: unknown): string {
  if (typeof api !== "number") {
    return `api is ${describe(api)}: expected ${CONTRACT_MAJOR}, the contract it is written for`;
  }
  const advice = api > CONTRACT_MAJOR
    ? `update the agent, or write the plugin for ${CONTRACT_MAJOR}`
    : "update the plugin";
  return `needs contract ${api}; this agent speaks ${CONTRACT_MAJOR}: ${advice}`;
}

function wrongPermissions(permissions: unknown): string | undefined {
  if (permissions === undefined) return undefined;
  if (typeof permissions !== "object" || permissions === null) {
    return `permissions is ${describe(permissions)}: expected an object such as { net: true }`;
  }
  const wrong = Object.entries(permissions).flatMap(([kind, granted]) => {
    if (!PERMISSIONS.includes(kind)) return [`"${kind}", where there are ${PERMISSIONS.join(", ")}`];
    const isList = Array.isArray(granted) && granted.every((name) => typeof name === "string");
    return granted === true || isList
      ? []
      : [`"${kind}": ${describe(granted)}, where true or a list of names is expected`];
  });
  return wrong.length === 0 ? undefined : `permissions has ${wrong.join("; and ")}`;
}

/** First path segments under `/api/v0` that the plugin claims. */
export function mountSegments(definition: AnyDefinition): readonly string[] {
  const mount = mountOf(definition);
  return typeof mount === "string" ? [mount] : mount;
}

/** What the plugin claims: one prefix, or a list of segments. */
export function mountOf(definition: AnyDefinition): string | readonly string[] {
  return definition.mount ?? definition.id;
}

/** The token behind a need. */
export function tokenOf(need: AnyNeed): AnyToken {
  return need.kind === "optional" ? need.token : need;
}

function describe(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : typeof value === "object" ? "an object" : String(value);
}
