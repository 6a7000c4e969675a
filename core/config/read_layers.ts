/**
 * Reads what was given, from the least to the most important: defaults, file, `--set`, flags.
 *
 * @module
 */
import { dirname } from "@std/path";

import { type ConfigProblem, messageOf } from "../errors.ts";
import { JsoncSyntaxError, parseJsonc } from "./jsonc_document.ts";
import { isPlainObject, type Layer, nested, parseSetting } from "./layers.ts";

/** A value given beside the file, by a flag or a variable of the environment. */
export interface ConfigOverride {
  /** Such as `["agent", "listen", "tcp"]`. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** What people know it by: `--listen`, `OUTPOST_TOKEN`. */
  readonly source: string;
}
/** What {@linkcode readLayers} reads; the members are those of `ResolveConfigOptions`. */
export interface LayerSources {
  /** Absolute. */
  readonly file: string | undefined;
  readonly text?: string;
  readonly raw?: unknown;
  readonly defaults?: unknown;
  readonly sets?: readonly string[];
  readonly overrides?: readonly ConfigOverride[];
  /** Absolute. */
  readonly cwd: string;
  readonly readTextFile: (path: string) => string;
}

/** Reads every layer; what cannot be read joins `problems` and is left out. */
export function readLayers(sources: LayerSources, problems: ConfigProblem[]): readonly Layer[] {
  const { cwd } = sources;
  return [
    { value: sources.defaults, source: "default", baseDir: cwd },
    { value: sources.raw, source: "options", baseDir: cwd },
    ...fileLayers(sources, problems),
    ...settingLayers(sources.sets ?? [], cwd, problems),
    ...(sources.overrides ?? []).map(({ path, value, source }) => ({
      value: nested(path, value),
      source,
      baseDir: cwd,
    })),
  ].map(expandShortForms);
}

function fileLayers(
  { file, text, cwd, readTextFile }: LayerSources,
  problems: ConfigProblem[],
): readonly Layer[] {
  if (file === undefined && text === undefined) return [];
  const name = file ?? "configuration";
  try {
    const document = parseJsonc(text ?? readTextFile(file!));
    const place = (at: { readonly line: number; readonly column: number }) => `${name}:${at.line}:${at.column}`;
    for (const { path, place: where } of document.duplicates) {
      problems.push({ path, message: "the key is given twice in one object", source: place(where) });
    }
    const source = (path: string) => {
      const where = document.places.get(path);
      return where === undefined ? name : place(where);
    };
    return [{ value: document.value, source, baseDir: file === undefined ? cwd : dirname(file) }];
  } catch (error) {
    const where = error instanceof JsoncSyntaxError ? `:${error.place.line}:${error.place.column}` : "";
    const what = error instanceof JsoncSyntaxError ? "cannot parse the file" : "cannot read the file";
    problems.push({ path: "", message: `${what}: ${messageOf(error)}`, source: `${name}${where}` });
    return [];
  }
}

function settingLayers(sets: readonly string[], baseDir: string, problems: ConfigProblem[]): readonly Layer[] {
  return sets.flatMap((text): readonly Layer[] => {
    try {
      const { path, value } = parseSetting(text);
      return [{ value: nested(path, value), source: "--set", baseDir }];
    } catch (error) {
      problems.push({ path: "", message: messageOf(error), source: "--set" });
      return [];
    }
  });
}

/** `"desktop": false` becomes `"desktop": { "enabled": false }`, so that later layers can add to it. */
function expandShortForms(layer: Layer): Layer {
  if (!isPlainObject(layer.value) || !isPlainObject(layer.value.plugins)) return layer;
  const plugins = Object.entries(layer.value.plugins)
    .map(([id, entry]) => [id, typeof entry === "boolean" ? { enabled: entry } : entry]);
  return { ...layer, value: { ...layer.value, plugins: Object.fromEntries(plugins) } };
}
