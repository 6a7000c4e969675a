/**
 * The configuration after reading, merging and checking everything but the plugins' own settings.
 *
 * @module
 */
import type { AgentSettings } from "./agent_settings.ts";
import type { PluginEntry } from "./plugin_entry.ts";

/** What {@linkcode resolveConfig} returns. */
export interface LoadedConfig {
  readonly agent: AgentSettings;
  /** By plugin id, in the order of the file. */
  readonly entries: ReadonlyMap<string, PluginEntry>;
  /** Absolute path of the configuration file; absent when there is none. */
  readonly file?: string;
  /**
   * Where the value at a dotted path came from, such as `/etc/outpost.jsonc:3:12` or `--set`; `"default"` when nobody gave
   * it.
   */
  origin(path: string): string;
  /** Everything that was given, merged; substitutions are still unopened, so that it holds no secret they bring. */
  readonly written: Readonly<Record<string, unknown>>;
}
