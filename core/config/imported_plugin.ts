/**
 * The imported road: a plugin from a file that the configuration names.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { toFileUrl } from "@std/path";

import { type ConfigProblem, messageOf } from "../errors.ts";
import type { Plugin } from "../plugin.ts";
import { absentFile } from "./deno_file.ts";
import { unknownImport } from "./unknown_import.ts";
import { isPlainObject } from "./layers.ts";
import type { LoadedConfig } from "./loaded_config.ts";
import type { PluginEntry } from "./plugin_entry.ts";

/** A plugin that was imported, and what exactly it was. */
export interface ImportedPlugin {
  readonly plugin: Plugin;
  /** Absolute path of the file. */
  readonly file: string;
  /** SHA-256 of the file, in lower-case hexadecimal. Files that it imports are not covered. */
  readonly sha256: string;
}
/** Everything that could be imported, and everything that could not. */
export interface ImportedPlugins {
  readonly plugins: readonly ImportedPlugin[];
  readonly problems: readonly ConfigProblem[];
}

/**
 * Imports the plugin of every entry with `from` that is neither attached nor switched off.
 *
 * The code runs in this process with this process's permissions. The hash is taken of the file as it was read just before
 * the import, so it protects against an unexpected version and not against someone who can write the file at will.
 */
export async function importPlugins(loaded: LoadedConfig): Promise<ImportedPlugins> {
  const plugins: ImportedPlugin[] = [];
  const problems: ConfigProblem[] = [];
  for (const entry of loaded.entries.values()) {
    if (entry.from === undefined || entry.attached !== undefined || entry.enabled === false) continue;
    try {
      plugins.push(await importPlugin(entry, entry.from, loaded.agent.allowImport));
    } catch (error) {
      problems.push({ path: `plugins.${entry.id}.from`, message: messageOf(error), source: entry.source });
    }
  }
  return { plugins, problems };
}

async function importPlugin(entry: PluginEntry, file: string, allowImport: boolean): Promise<ImportedPlugin> {
  if (!allowImport) throw new Error(`importing "${file}" is closed by "agent.allowImport": false`);
  const sha256 = await hashOf(file);
  if (entry.sha256 !== undefined && entry.sha256 !== sha256) {
    throw new Error(`refusing "${file}": its SHA-256 is ${sha256}, but the entry pins ${entry.sha256}`);
  }
  const exported = await importFile(file);
  const plugin = exported.default;
  if (!isPlugin(plugin)) {
    const other = Object.entries(exported).find(([, value]) => isPlugin(value))?.[0];
    const advice = other === undefined ? "" : `; "${other}" is one: write "export default ${other}"`;
    throw new TypeError(`"${file}" has no plugin as its default export: expected what definePlugin() returns${advice}`);
  }
  if (plugin.id !== entry.id) {
    throw new Error(`"${file}" is the plugin "${plugin.id}", but the entry is named "${entry.id}": use the same name`);
  }
  return { plugin, file, sha256 };
}

/** SHA-256 of a file, in lower-case hexadecimal. @throws {Error} If it cannot be read. */
export async function hashOf(file: string): Promise<string> {
  const bytes = await Deno.readFile(file).catch((error) => {
    const isAbsent = error instanceof Deno.errors.NotFound;
    throw new Error(isAbsent ? absentFile(file) : `cannot read "${file}": ${messageOf(error)}`, { cause: error });
  });
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}

async function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(toFileUrl(file).href);
  } catch (error) {
    const message = messageOf(error);
    const advice = unknownImport(message, file);
    throw new Error(`cannot import "${file}": ${advice ?? message}`, { cause: error });
  }
}

/** What else is wrong with its definition is told by whoever reads it. */
function isPlugin(value: unknown): value is Plugin {
  return isPlainObject(value) && typeof value.id === "string" && ("setup" in value || "api" in value);
}
