/**
 * What differs between two states of the configuration. Pure.
 *
 * @module
 */
import { isPlainObject, type PlainObject } from "../config/layers.ts";
import type { LoadedConfig } from "../config/loaded_config.ts";
import { Secret } from "../config/secret.ts";
import type { ReloadedSetting } from "./reload_report.ts";

/**
 * Whether two values are the same all through.
 *
 * @param opaque What two instances of a class count as, which nobody but their plugin can compare. Default `false`.
 */
export function sameValue(a: unknown, b: unknown, opaque: boolean = false): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Secret && b instanceof Secret) return a.reveal() === b.reveal();
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameValue(item, b[index], opaque));
  }
  if (isPlainObject(a) && isPlainObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => sameValue(a[key], b[key], opaque));
  }
  return opaque && isInstance(a) && isInstance(b);
}

/** What the configuration writes under `plugins.<id>`, substitutions unopened; `undefined` when it does not name the plugin. */
export function writtenEntry(config: LoadedConfig, id: string): unknown {
  const plugins = config.written.plugins;
  return isPlainObject(plugins) ? plugins[id] : undefined;
}

/** The agent's settings that are asked for again whenever they matter; all others are built in at the start. */
const IN_FORCE_AT_ONCE = /^agent\.(deadlines\.|shutdown\.|log\.level$|allowImport$)/;

/**
 * The agent's own settings that a reload changed, and those that still wait for the next start, by path.
 *
 * @param configs What the agent started with, what was in force until now, and what is asked for.
 */
export function reloadedSettings(
  configs: { readonly startedWith: LoadedConfig; readonly before: LoadedConfig; readonly next: LoadedConfig },
): readonly ReloadedSetting[] {
  const waiting = changedPaths(configs.startedWith, configs.next).filter((path) => !IN_FORCE_AT_ONCE.test(path));
  const done = changedPaths(configs.before, configs.next).filter((path) => IN_FORCE_AT_ONCE.test(path));
  return [...done, ...waiting].sort().map((path) => ({ path, inForce: IN_FORCE_AT_ONCE.test(path) }));
}

function changedPaths(before: LoadedConfig, after: LoadedConfig): readonly string[] {
  const old = leaves(before.written.agent, "agent");
  const now = leaves(after.written.agent, "agent");
  return [...new Set([...old.keys(), ...now.keys()])].filter((path) => !sameValue(old.get(path), now.get(path)));
}

function leaves(value: unknown, path: string, found: Map<string, unknown> = new Map()): Map<string, unknown> {
  if (!isPlainObject(value)) return value === undefined ? found : found.set(path, value);
  for (const [key, inner] of Object.entries(value as PlainObject)) leaves(inner, `${path}.${key}`, found);
  return found;
}

function isInstance(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isPlainObject(value);
}
