/**
 * Plugins that the configuration imports bring commands and checks like those of the binary.
 *
 * @module
 */
import { importPlugins } from "../config/imported_plugin.ts";
import { ConfigError } from "../errors.ts";
import type { Plugin } from "../plugin.ts";
import { loadConfig, type LoadConfigOptions } from "./load_config.ts";

/**
 * Imports what the configuration names with `from`, except what is attached: that is another program, and its commands are its own.
 *
 * @throws {ConfigError} If the configuration is wrong or a file cannot be imported.
 */
export async function importedPlugins(options: LoadConfigOptions): Promise<readonly Plugin[]> {
  const { plugins, problems } = await importPlugins(loadConfig(options));
  if (problems.length > 0) throw new ConfigError(problems);
  return plugins.map(({ plugin }) => plugin);
}
