/**
 * A plugin's own settings: checked by the plugin's schema, with its secrets wrapped.
 *
 * @module
 */
import { z } from "zod";

import type { ConfigProblem } from "../errors.ts";
import { isPlainObject } from "./layers.ts";
import type { LoadedConfig } from "./loaded_config.ts";
import type { PluginEntry } from "./plugin_entry.ts";
import { isSecret, type JsonSchema, jsonSchemaOf } from "./schema_shape.ts";
import { checkValue } from "./schema_problems.ts";
import { Secret } from "./secret.ts";

/** The part of a plugin's definition that matters here. */
export interface Configurable {
  readonly id: string;
  readonly config?: z.ZodType;
}
/** Settings ready for the plugin, or everything that is wrong with them. */
export type PluginConfigResult =
  | { readonly config: Readonly<Record<string, unknown>> }
  | { readonly problems: readonly ConfigProblem[] };

/** Plugins without a schema take no settings. */
const NO_SETTINGS = z.strictObject({});

/**
 * Applies the plugin's schema to what its entry says; defaults alone when there is no entry.
 *
 * Strings marked `.meta({ secret: true })` arrive as {@linkcode Secret}. The result is frozen through and through.
 *
 * @param loaded Where values came from, for the messages. Absent: the entry's own source is named.
 */
export function pluginConfig(
  definition: Configurable,
  entry?: Pick<PluginEntry, "config" | "source">,
  loaded?: Pick<LoadedConfig, "origin">,
): PluginConfigResult {
  const schema = definition.config ?? NO_SETTINGS;
  const at = ["plugins", definition.id, "config"];
  const source = (path: readonly PropertyKey[]) => (loaded && nearestOrigin(loaded, path)) ?? entry?.source;
  const checked = checkValue(schema, entry?.config ?? {}, { at, source });
  if ("problems" in checked) return checked;
  let shape: JsonSchema | undefined;
  const isSecretAt = (path: readonly string[]) => isSecret(shape ??= jsonSchemaOf(schema), path);
  return { config: guard(checked.value, isSecretAt, []) as Readonly<Record<string, unknown>> };
}

/** Who gave the value, or the object that it is missing from. */
function nearestOrigin(loaded: Pick<LoadedConfig, "origin">, path: readonly PropertyKey[]): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = loaded.origin(path.slice(0, length).map(String).join("."));
    if (origin !== "default") return origin;
  }
  return undefined;
}

/** Wraps secrets and freezes. Values that a transform turned into instances of classes are the plugin's own affair. */
function guard(value: unknown, isSecretAt: (path: readonly string[]) => boolean, path: readonly string[]): unknown {
  if (typeof value === "string") return isSecretAt(path) ? new Secret(value) : value;
  if (Array.isArray(value)) {
    return Object.freeze(value.map((item, index) => guard(item, isSecretAt, [...path, String(index)])));
  }
  if (!isPlainObject(value)) return value;
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([key, item]) => [key, guard(item, isSecretAt, [...path, key])])),
  );
}
