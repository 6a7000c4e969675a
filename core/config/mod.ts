/**
 * Configuration: reading, merging, checking, describing.
 *
 * @module
 */
export type { AgentSettings } from "./agent_settings.ts";
export { type CheckedPlugins, checkPlugins, unknownPlugins } from "./check_plugins.ts";
export { configSchema, type DescribedPlugin } from "./config_schema.ts";
export { defaultSocketPath, defaultTokenFile, ensurePrivateDirectory, pathFacts } from "./default_paths.ts";
export { type ImportedPlugin, type ImportedPlugins, importPlugins } from "./imported_plugin.ts";
export type { LoadedConfig } from "./loaded_config.ts";
export { type Configurable, pluginConfig, type PluginConfigResult } from "./plugin_config.ts";
export type { FailurePolicy, PluginEntry } from "./plugin_entry.ts";
export { type ConfigOverride, resolveConfig, type ResolveConfigOptions } from "./resolve_config.ts";
export { type PrintedValue, printedValues } from "./print_config.ts";
export { REDACTED, Secret, secretString } from "./secret.ts";
