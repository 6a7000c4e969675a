/**
 * One JSON Schema for the whole configuration, for editors.
 *
 * @module
 */
import { agentSettings } from "./agent_settings.ts";
import type { Configurable } from "./plugin_config.ts";
import { writtenEntry } from "./plugin_entry.ts";
import { type JsonSchema, jsonSchemaOf } from "./schema_shape.ts";

/** What editors need to know of a plugin. */
export interface DescribedPlugin extends Configurable {
  readonly summary?: string;
}

/** Describes the configuration of an agent with these plugins: completion, descriptions, defaults and errors as one types. */
export function configSchema(plugins: readonly DescribedPlugin[]): JsonSchema {
  return {
    $schema: DIALECT,
    title: "Configuration of the Outpost agent",
    type: "object",
    properties: {
      $schema: { type: "string", description: "Where editors find this schema." },
      agent: { ...embedded(agentSettings), description: "Settings of the agent itself." },
      plugins: {
        type: "object",
        description: "Plugins by id.",
        properties: Object.fromEntries(plugins.map((plugin) => [plugin.id, entrySchema(plugin)])),
        additionalProperties: entrySchema(),
      },
    },
    additionalProperties: false,
  };
}

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** Entries of plugins that are not built in must say where they come from, and may have any settings. */
function entrySchema(plugin?: DescribedPlugin): JsonSchema {
  const entry = embedded(writtenEntry);
  const long: JsonSchema = plugin === undefined ? { ...entry, required: ["from"] } : {
    ...entry,
    properties: { ...entry.properties, config: pluginSchema(plugin) },
  };
  const short: JsonSchema = { type: "boolean", description: 'Short for { "enabled": … }.' };
  return {
    ...(plugin?.summary && { description: plugin.summary }),
    anyOf: plugin === undefined ? [long] : [short, long],
  };
}

function pluginSchema(plugin: DescribedPlugin): JsonSchema {
  if (plugin.config === undefined) {
    return { type: "object", additionalProperties: false, description: "This plugin has no settings." };
  }
  return { description: "Settings of the plugin itself.", ...embedded(plugin.config) };
}

/** Without the dialect, which belongs to the root alone. A schema with named parts is given a root of its own. */
function embedded(schema: Parameters<typeof jsonSchemaOf>[0]): JsonSchema {
  const { $schema: _, ...rest } = jsonSchemaOf(schema);
  return rest;
}
