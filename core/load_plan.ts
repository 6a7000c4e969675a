/**
 * From options to a plan: configuration, imported plugins, definitions, settings. Finds every problem before anything runs.
 *
 * @module
 */
import { attachedPlugins } from "./attached/attached_plugin.ts";
import { checkPlugins } from "./config/check_plugins.ts";
import { type ImportedPlugin, importPlugins } from "./config/imported_plugin.ts";
import type { AgentSettings } from "./config/agent_settings.ts";
import type { LoadedConfig } from "./config/loaded_config.ts";
import type { FailurePolicy } from "./config/plugin_entry.ts";
import { resolveConfig } from "./config/resolve_config.ts";
import { type AnyDefinition, readDefinition } from "./definition.ts";
import { ConfigError, type ConfigProblem } from "./errors.ts";
import { RESERVED_SEGMENTS } from "./http/core_routes.ts";
import { makePlan, type Plan } from "./plan.ts";
import type { HostFacts, LogFields, Plugin, Variables } from "./plugin.ts";
import { isBefore } from "./version_order.ts";

/** Name and version of a binary. */
export interface BuildInfo {
  readonly name: string;
  readonly version: string;
}

/** Version of this agent. Kept equal to `deno.json` by a test. */
export const AGENT_VERSION = "0.1.0";

/** What {@linkcode loadPlan} reads. */
export interface LoadPlanOptions {
  readonly plugins: readonly Plugin[];
  readonly config: LoadedConfig | Readonly<Record<string, unknown>>;
  /** Ids of services that come from outside the plugins. */
  readonly external?: ReadonlySet<string>;
  /** For `${env:NAME}` in a `config` that is not loaded yet. */
  readonly env?: Variables;
}

/** A plan without problems, and what is needed to carry it out. */
export interface LoadedPlan {
  readonly settings: AgentSettings;
  readonly config: LoadedConfig;
  readonly host: HostFacts;
  readonly plan: Plan;
  /** Checked settings of a plugin; an empty object when it takes none or does not run. */
  settingsOf(plugin: string): unknown;
  failurePolicy(plugin: string): FailurePolicy;
  /** To be logged at start. */
  readonly notes: readonly Note[];
}
/** A line for the log. */
export interface Note {
  readonly level: "info" | "warn";
  readonly message: string;
  readonly fields: LogFields;
}

/** @throws {ConfigError} With every problem at once. Imports the files that entries name; runs no plugin code. */
export async function loadPlan(options: LoadPlanOptions): Promise<LoadedPlan> {
  const config = isLoaded(options.config) ? options.config : resolveConfig({
    raw: options.config,
    env: options.env,
    plugins: options.plugins.flatMap((plugin) => readDefinition(plugin).definition ?? []),
  });
  const host = hostFacts();
  const imported = await importPlugins(config);
  const problems: ConfigProblem[] = [...imported.problems];
  // An entry that attaches a plugin takes the place of the built-in one: one line decides where it runs.
  const builtIn = options.plugins.filter(({ id }) => config.entries.get(id)?.attached === undefined);
  const definitions = [
    ...readDefinitions(builtIn, problems),
    ...imported.plugins.flatMap((found) => readImported(found, config, problems)),
    ...readDefinitions(attachedPlugins(config), problems),
  ];
  const checked = checkPlugins(config, definitions);
  problems.push(...checked.problems);
  const plan = makePlan({
    host,
    external: options.external,
    reserved: new Set(RESERVED_SEGMENTS),
    entries: definitions.map((definition) => {
      const entry = config.entries.get(definition.id);
      return {
        definition,
        // An entry without the word switches the plugin on: only an unmentioned plugin has its own default.
        enabled: entry && (entry.enabled ?? true),
        required: entry?.onFailure === "abort",
        source: entry?.source ?? "plugins",
      };
    }),
  });
  problems.push(...plan.problems, ...removedPlugins(plan));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    settings: config.agent,
    config,
    host,
    plan,
    settingsOf: (plugin) => checked.configs.get(plugin) ?? {},
    failurePolicy: (plugin) => config.entries.get(plugin)?.onFailure ?? "continue",
    notes: [
      ...imported.plugins.map(({ plugin, file, sha256 }): Note => ({
        level: "info",
        message: "plugin imported",
        fields: { plugin: plugin.id, file, sha256 },
      })),
      ...stabilityNotes(plan),
    ],
  };
}

/** What this machine and this version are. */
export function hostFacts(): HostFacts {
  const { os, arch } = Deno.build;
  return {
    os: os === "darwin" || os === "windows" ? os : "linux",
    arch,
    agentVersion: AGENT_VERSION,
    denoVersion: Deno.version.deno,
  };
}

function isLoaded(config: LoadPlanOptions["config"]): config is LoadedConfig {
  return "entries" in config && config.entries instanceof Map;
}

function readDefinitions(plugins: readonly Plugin[], problems: ConfigProblem[]): AnyDefinition[] {
  return plugins.flatMap((plugin, index) => {
    const reading = readDefinition(plugin);
    const path = typeof plugin?.id === "string" ? `plugins.${plugin.id}` : `plugins[${index}]`;
    for (const message of reading.problems) problems.push({ path, source: "plugins", message });
    return reading.definition === undefined ? [] : [reading.definition];
  });
}

function readImported(
  { plugin, file }: ImportedPlugin,
  config: LoadedConfig,
  problems: ConfigProblem[],
): AnyDefinition[] {
  const reading = readDefinition(plugin);
  if (reading.definition !== undefined) return [reading.definition];
  problems.push({
    path: `plugins.${plugin.id}`,
    message: `the definition in "${file}" is wrong: ${reading.problems.join("; ")}`,
    source: config.entries.get(plugin.id)?.source,
  });
  return [];
}

function removedPlugins({ plugins }: Plan): ConfigProblem[] {
  return plugins.flatMap(({ definition: { id, deprecated }, verdict }) => {
    if (verdict !== "run" || deprecated === undefined || isBefore(AGENT_VERSION, deprecated.removedIn)) return [];
    const message = `plugin "${id}" was removed in ${deprecated.removedIn}: use ${deprecated.instead}`;
    return [{ path: `plugins.${id}`, message }];
  });
}

function stabilityNotes({ plugins }: Plan): Note[] {
  return plugins.flatMap(({ definition: { id, stability, deprecated }, verdict }): Note[] => {
    if (verdict !== "run") return [];
    if (deprecated !== undefined) {
      return [{ level: "warn", message: "plugin is deprecated", fields: { plugin: id, ...deprecated } }];
    }
    return stability === "experimental"
      ? [{ level: "warn", message: "plugin is experimental", fields: { plugin: id } }]
      : [];
  });
}
