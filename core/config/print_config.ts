/**
 * What `outpost config print` shows: the settings in force, and who gave each.
 *
 * @module
 */
import { isPlainObject } from "./layers.ts";
import type { LoadedConfig } from "./loaded_config.ts";
import { type Configurable, pluginConfig } from "./plugin_config.ts";
import { isSecret, type JsonSchema, jsonSchemaOf } from "./schema_shape.ts";
import { REDACTED, Secret } from "./secret.ts";

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
 * Secrets are masked. A value that came in through `${env:…}` or `${file:…}` is shown as it is written, and the texts of a
 * plugin that is not there are masked, as nobody can say which of them are secret.
 */
export function printedValues(loaded: LoadedConfig, plugins: readonly Configurable[]): readonly PrintedValue[] {
  const values: PrintedValue[] = [];
  const list = (value: unknown, path: readonly string[], isHidden: (path: readonly string[]) => boolean): void => {
    if (value === undefined) return;
    if (isPlainObject(value)) {
      for (const [key, inner] of Object.entries(value)) list(inner, [...path, key], isHidden);
      return;
    }
    const shown = isHidden(path) || value instanceof Secret ? REDACTED : value;
    values.push({
      path: path.join("."),
      value: asWritten(loaded, path) ?? shown,
      origin: loaded.origin(path.join(".")),
    });
  };

  list(loaded.agent, ["agent"], () => false);
  for (const { id, enabled, from, sha256, onFailure } of loaded.entries.values()) {
    list({ enabled, from, sha256, onFailure }, ["plugins", id], () => false);
  }
  for (const id of new Set([...plugins.map((plugin) => plugin.id), ...loaded.entries.keys()])) {
    const plugin = plugins.find((each) => each.id === id);
    const entry = loaded.entries.get(id);
    const at = ["plugins", id, "config"];
    if (plugin === undefined) {
      list(entry?.config, at, () => true);
      continue;
    }
    const result = pluginConfig(plugin, entry, loaded);
    const shape: JsonSchema = plugin.config === undefined ? {} : jsonSchemaOf(plugin.config);
    list("config" in result ? result.config : entry?.config, at, (path) => isSecret(shape, path.slice(at.length)));
  }
  return values;
}

/** The text of a substitution. */
function asWritten(loaded: LoadedConfig, path: readonly string[]): string | undefined {
  let value: unknown = loaded.written;
  for (const key of path) value = isPlainObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return typeof value === "string" && value.startsWith("${") ? value : undefined;
}
