/**
 * What `outpost config print` shows: the settings in force, and who gave each.
 *
 * @module
 */
import type { LoadedConfig } from "./loaded_config.ts";
import { isPlainObject } from "./layers.ts";
import { type Configurable, pluginConfig } from "./plugin_config.ts";

/** One value in force. */
export interface PrintedValue {
  /** Dotted path in the configuration. */
  readonly path: string;
  /** As JSON; secrets are `"[redacted]"`. */
  readonly value: unknown;
  /** `default`, `--set`, or a file with line and column. */
  readonly origin: string;
}

/**
 * Lists every value in force, in the order of the schemas, with its origin.
 *
 * Secrets are masked. So is everything that came in through `${env:…}` or `${file:…}`, as the plugin of a disabled or unknown
 * entry cannot say which of its settings are secret: such a value is shown as it is written.
 */
export function printedValues(loaded: LoadedConfig, plugins: readonly Configurable[]): readonly PrintedValue[] {
  const values: PrintedValue[] = [];
  list(loaded.agent, "agent");
  for (const [id, entry] of loaded.entries) {
    const { enabled, from, sha256, onFailure } = entry;
    list({ enabled, from, sha256, onFailure }, `plugins.${id}`);
  }
  const written = isPlainObject(loaded.written.plugins) ? loaded.written.plugins : {};
  for (const id of new Set([...plugins.map((plugin) => plugin.id), ...loaded.entries.keys()])) {
    const plugin = plugins.find((each) => each.id === id);
    const result = plugin && pluginConfig(plugin, loaded.entries.get(id), loaded);
    const entry = written[id];
    if (result !== undefined && "config" in result) list(result.config, `plugins.${id}.config`);
    else if (isPlainObject(entry)) list(entry.config, `plugins.${id}.config`);
  }
  return values;

  function list(value: unknown, path: string): void {
    if (value === undefined) return;
    if (isPlainObject(value)) {
      for (const [key, inner] of Object.entries(value)) list(inner, `${path}.${key}`);
      return;
    }
    values.push({ path, value: masked(value), origin: loaded.origin(path) });
  }
}
