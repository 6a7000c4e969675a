/**
 * Checks a configuration against the plugins that are there.
 *
 * @module
 */
import type { ConfigProblem } from "../errors.ts";
import type { LoadedConfig } from "./loaded_config.ts";
import { type Configurable, pluginConfig } from "./plugin_config.ts";
import type { PluginEntry } from "./plugin_entry.ts";
import { STANDARD_PLUGINS } from "./standard_plugins.ts";
import { nearestName } from "./suggestion.ts";

/** The part of a plugin's definition that matters here. */
export interface CheckablePlugin extends Configurable {
  readonly enabledByDefault?: boolean;
}
/** Settings of every plugin, and every problem found. Plugins that are switched off are not looked at. */
export interface CheckedPlugins {
  readonly configs: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly problems: readonly ConfigProblem[];
}

/**
 * Checks that every entry names a plugin of `definitions`, and every plugin's settings by its own schema.
 *
 * @param definitions Built-in plugins, and imported ones.
 */
export function checkPlugins(
  loaded: Pick<LoadedConfig, "entries" | "origin">,
  definitions: readonly CheckablePlugin[],
): CheckedPlugins {
  const configs = new Map<string, Readonly<Record<string, unknown>>>();
  const problems = unknownPlugins(loaded.entries, definitions.map((definition) => definition.id));
  for (const definition of definitions) {
    const entry = loaded.entries.get(definition.id);
    if (!(entry === undefined ? definition.enabledByDefault ?? true : entry.enabled ?? true)) continue;
    const result = pluginConfig(definition, entry, loaded);
    if ("config" in result) configs.set(definition.id, result.config);
    else problems.push(...result.problems);
  }
  return { configs, problems };
}

/**
 * One problem for each entry that names no plugin of `builtIn` and brings none of its own: misspelt, known to this version
 * but left out of this binary, or unknown.
 */
export function unknownPlugins(
  entries: ReadonlyMap<string, PluginEntry>,
  builtIn: readonly string[],
  standard: readonly string[] = STANDARD_PLUGINS,
): ConfigProblem[] {
  return [...entries.values()]
    .filter((entry) => !builtIn.includes(entry.id) && entry.from === undefined)
    .map((entry) => ({
      path: `plugins.${entry.id}`,
      message: whichUnknown(entry.id, builtIn, standard),
      source: entry.source,
    }));
}

function whichUnknown(id: string, builtIn: readonly string[], standard: readonly string[]): string {
  if (standard.includes(id)) {
    return `"${id}" is a plugin of this version, but not built into this binary: ` +
      `add it to the plugins given to main(), as in: import ${
        identifier(id)
      } from "@outpost/agent/plugins/${id}"; await main({ plugins: [${identifier(id)}, …] })`;
  }
  const near = nearestName(id, builtIn);
  if (near !== undefined) return `unknown plugin "${id}": did you mean "${near}"?`;
  const known = builtIn.length === 0 ? "this binary has none" : `this binary has ${[...builtIn].sort().join(", ")}`;
  return `unknown plugin "${id}": ${known}; a plugin of your own needs "from"`;
}

function identifier(id: string): string {
  return id.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
