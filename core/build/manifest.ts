/**
 * What a binary shall hold: `outpost.build.jsonc`, or what a configuration needs.
 *
 * @module
 */
import { dirname, resolve } from "@std/path";

import { z } from "zod";

import { isPlainObject } from "../config/layers.ts";
import { JsoncSyntaxError, parseJsonc } from "../config/jsonc_document.ts";
import { checkValue } from "../config/schema_problems.ts";
import { STANDARD_PLUGINS } from "../config/standard_plugins.ts";
import { ConfigError, type ConfigErrorSubject, type ConfigProblem, messageOf } from "../errors.ts";
import { AGENT_VERSION } from "../load_plan.ts";
import { isPath, unknownPlugin, wrongFile, wrongItems } from "./manifest_problems.ts";

/** One plugin of a binary. */
export interface WantedPlugin {
  /** What the generated entry imports: a specifier, or an absolute path. */
  readonly from: string;
  /** Name of the export. */
  readonly export: string;
  /** As it was written, for messages. */
  readonly written: string;
}
/** A binary to build. */
export interface BuildManifest {
  readonly name: string;
  readonly version: string;
  /** Path or package of the agent; absent: the one that builds. */
  readonly agent?: string;
  readonly plugins: readonly WantedPlugin[];
  /** Such as `x86_64-unknown-linux-gnu`; empty: this machine's. */
  readonly targets: readonly string[];
  /** Absolute path of the file this came from. */
  readonly file: string;
  /** Absolute directory of what is built. */
  readonly output: string;
}

const SEMANTIC_VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
/** What `deno compile` can make that the agent runs on. */
export const TARGETS = [
  ...["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"],
  ...["x86_64-apple-darwin", "aarch64-apple-darwin"],
] as const;

const plugin = z.union([
  z.string().min(1),
  z.strictObject({ import: z.string().min(1), export: z.string().min(1).default("default") }),
]);
const manifest = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().regex(/^[a-z][a-z0-9._-]*$/, "Expected a file name of lower-case letters, digits, '.', '_' or '-'"),
  version: z.string().regex(SEMANTIC_VERSION, "Expected a semantic version, such as 1.0.0"),
  agent: z.string().min(1).optional(),
  plugins: z.array(plugin).min(1, "A binary without plugins does nothing: name at least one"),
  targets: z.array(z.enum(TARGETS)).default([]),
  output: z.string().min(1).default("dist"),
});

/** What {@linkcode readManifest} knows beside the file. */
export interface ReadManifestOptions {
  /** The agent that somebody named elsewhere: the file's is not looked at then. */
  readonly agent?: string;
}

/** Reads a manifest. @throws {ConfigError} With every problem, each with its place in the file. */
export function readManifest(file: string, text: string, options: ReadManifestOptions = {}): BuildManifest {
  const { value, places } = parsed(file, text, MANIFEST);
  const directory = dirname(file);
  const source = (path: readonly PropertyKey[]) => places(path.map(String).join("."));
  const checked = checkValue(manifest, value, { at: [], source });
  // What is wrong with the files is told with what is wrong with the text.
  const problems: ConfigProblem[] = [...("problems" in checked ? checked.problems : [])];
  for (const [path, message] of wrongItems(value, { directory, ...options })) {
    problems.push({ path, message, source: places(path) });
  }
  if ("problems" in checked || problems.length > 0) throw new ConfigError(problems, MANIFEST);
  const { name, version, agent, targets, output } = checked.value;
  const plugins = checked.value.plugins.map((wanted) =>
    typeof wanted === "string"
      ? wantedPlugin(wanted, "default", directory)
      : wantedPlugin(wanted.import, wanted.export, directory)
  );
  return { name, version, agent, plugins, targets, file, output: resolve(directory, output) };
}

const MANIFEST: ConfigErrorSubject = { cannot: "build", place: "the manifest" };

/**
 * The binary that a configuration needs: its own plugins, and every standard one that it does not switch off.
 *
 * @throws {ConfigError} With every entry that no binary can hold.
 */
export function manifestOfConfig(file: string, text: string): BuildManifest {
  const subject = { cannot: "build" };
  const { value, places } = parsed(file, text, subject);
  const entries = isPlainObject(value) && isPlainObject(value.plugins) ? value.plugins : {};
  const isOff = (entry: unknown) => entry === false || (isPlainObject(entry) && entry.enabled === false);
  const problems: ConfigProblem[] = [];
  const own: WantedPlugin[] = [];
  for (const [id, entry] of Object.entries(entries)) {
    const from = isPlainObject(entry) ? entry.from : undefined;
    if (typeof from !== "string") {
      const message = STANDARD_PLUGINS.includes(id) ? undefined : unknownPlugin(id);
      if (message !== undefined) problems.push({ path: `plugins.${id}`, message, source: places(`plugins.${id}`) });
    } else if (!isOff(entry) && !/^[a-z][a-z0-9+.-]+:/.test(from)) {
      // Unlike a manifest's, it is a path whatever it begins with.
      const path = resolve(dirname(file), from);
      const message = wrongFile(path, from);
      if (message === undefined) own.push({ from: path, export: "default", written: from });
      else problems.push({ path: `plugins.${id}.from`, message, source: places(`plugins.${id}.from`) });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems, subject);
  const standard = STANDARD_PLUGINS.filter((id) => !isOff(entries[id]))
    .map((id) => wantedPlugin(`standard/${id}`, "default", dirname(file)));
  return {
    name: "outpost",
    version: AGENT_VERSION,
    plugins: [...standard, ...own],
    targets: [],
    file,
    output: resolve(dirname(file), "dist"),
  };
}

function wantedPlugin(written: string, name: string, directory: string): WantedPlugin {
  const standard = /^standard\/(.+)$/.exec(written)?.[1];
  if (standard !== undefined) return { from: `@outpost/agent/plugins/${standard}`, export: name, written };
  return { from: isPath(written) ? resolve(directory, written) : written, export: name, written };
}

function parsed(file: string, text: string, subject: ConfigErrorSubject) {
  try {
    const document = parseJsonc(text);
    const places = (path: string) => {
      const where = document.places.get(path);
      return where === undefined ? file : `${file}:${where.line}:${where.column}`;
    };
    return { value: document.value, places };
  } catch (error) {
    const where = error instanceof JsoncSyntaxError ? `:${error.place.line}:${error.place.column}` : "";
    throw new ConfigError([{
      path: "",
      message: `cannot parse the file: ${messageOf(error)}`,
      source: `${file}${where}`,
    }], subject);
  }
}
