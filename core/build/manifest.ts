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
import { nearestName } from "../config/suggestion.ts";
import { ConfigError, type ConfigProblem, messageOf } from "../errors.ts";
import { AGENT_VERSION } from "../load_plan.ts";

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

/** Reads a manifest. @throws {ConfigError} With every problem, each with its place in the file. */
export function readManifest(file: string, text: string): BuildManifest {
  const { value, places } = parsed(file, text);
  const problems: ConfigProblem[] = [];
  const source = (path: readonly PropertyKey[]) => places(path.map(String).join("."));
  const checked = checkValue(manifest, value, { at: [], source });
  if ("problems" in checked) throw new ConfigError(checked.problems);
  const written = checked.value;
  const plugins = written.plugins.map((wanted, index) => {
    const { import: from, export: name } = typeof wanted === "string" ? { import: wanted, export: "default" } : wanted;
    const problem = unknownStandard(from);
    if (problem !== undefined) {
      problems.push({ path: `plugins.${index}`, message: problem, source: source(["plugins", index]) });
    }
    return wantedPlugin(from, name, dirname(file));
  });
  if (problems.length > 0) throw new ConfigError(problems);
  const { name, version, agent, targets, output } = written;
  return { name, version, agent, plugins, targets, file, output: resolve(dirname(file), output) };
}

/** The binary that a configuration needs: its own plugins, and every standard one that it does not switch off. */
export function manifestOfConfig(file: string, text: string): BuildManifest {
  const { value } = parsed(file, text);
  const entries = isPlainObject(value) && isPlainObject(value.plugins) ? value.plugins : {};
  const isOff = (entry: unknown) => entry === false || (isPlainObject(entry) && entry.enabled === false);
  const own = Object.entries(entries).flatMap(([, entry]) =>
    isPlainObject(entry) && typeof entry.from === "string" && !isOff(entry) && !/^[a-z][a-z0-9+.-]+:/.test(entry.from)
      ? [wantedPlugin(entry.from, "default", dirname(file))]
      : []
  );
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
  const isPath = /^\.{0,2}\//.test(written);
  return { from: isPath ? resolve(directory, written) : written, export: name, written };
}

function unknownStandard(from: string): string | undefined {
  const id = /^standard\/(.+)$/.exec(from)?.[1];
  if (id !== undefined && !STANDARD_PLUGINS.includes(id)) {
    const near = nearestName(id, STANDARD_PLUGINS);
    return `no standard plugin is called "${id}"${near === undefined ? "" : `: did you mean "${near}"?`}`;
  }
  if (id === undefined && STANDARD_PLUGINS.includes(from)) return `expected "standard/${from}", or a path or a package`;
  return undefined;
}

function parsed(file: string, text: string) {
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
    }]);
  }
}
