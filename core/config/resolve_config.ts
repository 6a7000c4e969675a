/**
 * Reads, merges and checks the configuration: everything but the plugins' own settings.
 *
 * @module
 */
import { resolve } from "@std/path";

import { z } from "zod";

import { ConfigError, type ConfigProblem } from "../errors.ts";
import type { Variables } from "../plugin.ts";
import { type AgentSettings, agentSettings } from "./agent_settings.ts";
import { type CheckablePlugin, checkPlugins } from "./check_plugins.ts";
import { folderOfPlugin, notAFile, notForDeno } from "./deno_file.ts";
import { dotted } from "./jsonc_document.ts";
import { isPlainObject, type Merged, mergeLayers, type PlainObject } from "./layers.ts";
import type { LoadedConfig } from "./loaded_config.ts";
import { type AttachedEntry, PLUGIN_ID, type PluginEntry, type WrittenEntry, writtenEntry } from "./plugin_entry.ts";
import { type ConfigOverride, readLayers } from "./read_layers.ts";
import { type Checked, checkValue } from "./schema_problems.ts";
import { substitute, type Substituted } from "./substitution.ts";

/** What {@linkcode resolveConfig} reads. Every part may be absent: the defaults make a usable agent. */
export interface ResolveConfigOptions {
  /** Path of the configuration file. Read with `readTextFile` unless `text` is given. */
  readonly file?: string;
  /** Text of the file, JSON with comments. */
  readonly text?: string;
  /** A value in place of a file, as a program that embeds the agent writes it. */
  readonly raw?: unknown;
  /** Values below everything else, where the caller knows better defaults than the schema. */
  readonly defaults?: unknown;
  /** `PATH=VALUE` texts of `--set`; later ones win. They win over the file. */
  readonly sets?: readonly string[];
  /** Values above all others; later ones win. */
  readonly overrides?: readonly ConfigOverride[];
  /**
   * Plugins that are known already. When there are problems, theirs join the list, so that nobody has to mend the agent's
   * settings to learn what is wrong with a plugin's; so do the files of plugins that are missing.
   */
  readonly plugins?: readonly CheckablePlugin[];
  /** For `${env:NAME}`. Default: none. */
  readonly env?: Variables;
  /** Absolute directory for relative paths outside the file. Default: the process's. */
  readonly cwd?: string;
  /** Default: `Deno.readTextFileSync`. */
  readonly readTextFile?: (path: string) => string;
}

/**
 * Resolves a configuration in the order defaults, file (or `raw`), `sets`, `overrides`.
 *
 * Relative paths become absolute: from the file's directory when the file gave them, from `cwd` otherwise.
 *
 * @throws {ConfigError} With every problem found, each with its path and where it was written.
 */
export function resolveConfig(options: ResolveConfigOptions = {}): LoadedConfig {
  const cwd = options.cwd ?? Deno.cwd();
  const readTextFile = options.readTextFile ?? Deno.readTextFileSync;
  const file = options.file === undefined ? undefined : resolve(cwd, options.file);
  const problems: ConfigProblem[] = [];

  const merged = mergeLayers(readLayers({ ...options, file, cwd, readTextFile }, problems));
  const reading: Reading = {
    merged,
    problems,
    substitute: (value, at) => {
      const done = substitute(value, at, { env: options.env ?? {}, readTextFile, originOf: merged.originOf });
      problems.push(...done.problems);
      return done;
    },
  };

  accept(reading, checkValue(topLevel, merged.value ?? {}, at(reading, [])));
  const agent = resolveAgent(reading, section(merged.value, "agent"));
  const entries = new Map<string, PluginEntry>();
  for (const [id, written] of Object.entries(section(merged.value, "plugins"))) {
    const entry = resolveEntry(reading, id, written);
    if (entry !== undefined) entries.set(id, entry);
  }
  const origin = (path: string) => merged.givenAt(path)?.source ?? "default";
  if (problems.length > 0 || agent === undefined) {
    const told = new Set(problems.map((problem) => problem.path));
    const more = options.plugins === undefined ? [] : [
      ...(agent?.allowImport === false ? [] : missingFiles(entries)),
      ...checkPlugins({ entries, origin }, options.plugins).problems,
    ];
    throw new ConfigError([...problems, ...more.filter((problem) => !told.has(problem.path))]);
  }
  return {
    agent,
    entries,
    file,
    origin,
    written: Object.freeze({ ...(isPlainObject(merged.value) ? merged.value : {}) }),
  };
}

/** What the steps below share. */
interface Reading {
  readonly merged: Merged;
  readonly problems: ConfigProblem[];
  substitute(value: unknown, at: readonly string[]): Substituted;
}

/** The two sections are checked by their own schemas; here only their being objects. */
const topLevel = z.strictObject({
  $schema: z.string().optional(),
  agent: z.record(z.string(), z.unknown()).optional(),
  plugins: z.record(z.string(), z.unknown()).optional(),
});

/** One section, or nothing when it is not an object, which the check above has already said. */
function section(value: unknown, name: string): PlainObject {
  const found = isPlainObject(value) ? value[name] : undefined;
  return isPlainObject(found) ? found : {};
}

function at(reading: Reading, path: readonly string[], hidden?: ReadonlySet<string>) {
  return { at: path, hidden, source: (full: readonly PropertyKey[]) => reading.merged.originOf(full)?.source };
}

/** The value, or `undefined` after noting its problems. A value that could not be substituted is not called missing too. */
function accept<Value>(reading: Reading, checked: Checked<Value>): Value | undefined {
  if ("value" in checked) return checked.value;
  const told = new Set(reading.problems.map((problem) => problem.path));
  reading.problems.push(...checked.problems.filter((problem) => !told.has(problem.path)));
  return undefined;
}

function resolveAgent(reading: Reading, written: unknown): AgentSettings | undefined {
  const { value, opened } = reading.substitute(written, ["agent"]);
  const settings = accept(reading, checkValue(agentSettings, value, at(reading, ["agent"], opened)));
  if (settings === undefined) return undefined;
  const absolute = (path: string | undefined, ...key: string[]): string | undefined =>
    path === undefined ? undefined : resolvePath(reading, path, ["agent", ...key]);
  return {
    ...settings,
    listen: { ...settings.listen, unix: absolute(settings.listen.unix ?? undefined, "listen", "unix") ?? null },
    directory: absolute(settings.directory, "directory"),
    tokenFile: absolute(settings.tokenFile, "tokenFile"),
    scriptDataDir: absolute(settings.scriptDataDir, "scriptDataDir"),
  };
}

function resolvePath(reading: Reading, path: string, at: readonly string[]): string {
  return resolve(reading.merged.originOf(at)?.baseDir ?? "/", path);
}

function resolveEntry(reading: Reading, id: string, written: unknown): PluginEntry | undefined {
  const path = ["plugins", id];
  const source = reading.merged.originOf(path)?.source ?? "default";
  if (!PLUGIN_ID.test(id)) {
    const message = "not a plugin id: expected 2 to 32 lower-case letters, digits or hyphens, starting with a letter";
    reading.problems.push({ path: dotted(path), message, source });
    return undefined;
  }
  // A disabled plugin must not ask for the variables and files it would need.
  const isDisabled = isPlainObject(written) && written.enabled === false;
  const { value, opened } = isDisabled ? { value: written, opened: undefined } : reading.substitute(written, path);
  const entry = accept(reading, checkValue(writtenEntry, value, at(reading, path, opened)));
  if (entry === undefined) return undefined;
  const { required, onFailure, from } = entry;
  if (required === true && onFailure !== undefined && onFailure !== "abort") {
    const message =
      `"required": true means "onFailure": "abort", but "onFailure" is "${onFailure}": remove one of them`;
    reading.problems.push({ path: dotted(path), message, source });
  }
  if (from === undefined && entry.sha256 !== undefined) {
    reading.problems.push({
      path: dotted([...path, "sha256"]),
      message: 'only entries with "from" have a hash',
      source,
    });
  }
  const file = from?.startsWith(EXEC) ? from.slice(EXEC.length) : from;
  if (file !== undefined && (file === "" || isUrl(file))) {
    const message = `this version loads plugins from files only: expected a path, or "exec:" and a path, got "${from}"`;
    reading.problems.push({ path: dotted([...path, "from"]), message, source });
  } else if (file !== undefined && file === from) {
    const wrong = notForDeno(file);
    if (wrong !== undefined) {
      const message = folderOfPlugin(resolvePath(reading, file, [...path, "from"]), file) ?? wrong;
      reading.problems.push({ path: dotted([...path, "from"]), message, source });
    }
  }
  const attached = attachedEntry(entry);
  for (const message of attached.problems) {
    reading.problems.push({ ...message, path: dotted([...path, message.path]), source });
  }
  return {
    id,
    enabled: entry.enabled,
    from: file === undefined || isUrl(file) ? file : resolvePath(reading, file, [...path, "from"]),
    ...(attached.entry === undefined ? {} : { attached: attached.entry }),
    sha256: entry.sha256?.toLowerCase(),
    onFailure: required === true ? "abort" : onFailure ?? "continue",
    config: entry.config,
    source,
  };
}

/** One problem for each entry whose plugin would be imported from where no file is. */
function missingFiles(entries: ReadonlyMap<string, PluginEntry>): readonly ConfigProblem[] {
  return [...entries.values()].flatMap(({ id, from, attached, enabled, source }) => {
    if (from === undefined || attached !== undefined || enabled === false) return [];
    const message = notAFile(from);
    return message === undefined ? [] : [{ path: dotted(["plugins", id, "from"]), message, source }];
  });
}

/** In front of the path of a program. */
const EXEC = "exec:";

/** How an entry wants its plugin attached, if it does; what only attached plugins have is a problem elsewhere. */
function attachedEntry(
  { from, attached, args, env, mount }: WrittenEntry,
): { readonly entry?: AttachedEntry; readonly problems: readonly ConfigProblem[] } {
  const isProgram = from?.startsWith(EXEC) ?? false;
  if (isProgram ? attached !== false : attached === true && from !== undefined) {
    const runs = isProgram ? "program" : "deno";
    return {
      entry: { runs, args: args ?? [], env: env ?? [], ...(mount === undefined ? {} : { mount }) },
      problems: [],
    };
  }
  if (isProgram) {
    return { problems: [{ path: "attached", message: '"exec:" is a program of its own: remove "attached": false' }] };
  }
  const only = Object.entries({ attached: attached || undefined, args, env, mount }).filter(([, value]) =>
    value !== undefined
  );
  return {
    problems: only.map(([path]) => ({
      path,
      message:
        'only plugins that run as a program of their own have this: "from": "exec:PATH", or "from": "FILE" with ' +
        '"attached": true',
    })),
  };
}

/** `https:` and the like; one letter would be a drive of Windows. */
function isUrl(from: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/.test(from);
}
