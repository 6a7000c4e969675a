/**
 * Metrics of an attached plugin: read as Prometheus text, brought under the plugin's own names, and bounded.
 *
 * @module
 */

/** Most series taken from one plugin: more would be a label with unbounded values. */
const MAX_SERIES = 2000;

/** How names are brought into order. */
export interface RelabelOptions {
  /** `agent_<plugin>_`, put in front of names that do not have it. */
  readonly prefix: string;
  /** Names that stay as they are. */
  readonly exact: ReadonlySet<string>;
  /** Whether the plugin may have this name; another may be first. */
  readonly owns: (name: string) => boolean;
}

interface Family {
  help?: string;
  type?: string;
  readonly samples: Map<string, string>;
}

/**
 * Text exposition 0.0.4 with each family once, under a name the plugin may use. Lines that are none, series that come twice,
 * and what is over the limit are left out: they would make the whole scrape of the agent unreadable.
 */
export function relabel(text: string, options: RelabelOptions): string {
  const families = readFamilies(text);
  const lines: string[] = [];
  for (const [given, { help, type, samples }] of families) {
    // One without series yet is still there, as long as it says what it is.
    if (samples.size === 0 && type === undefined) continue;
    const isOurs = given.startsWith(options.prefix) || options.exact.has(given);
    const name = isOurs ? given : options.prefix + given;
    if (!options.owns(name)) continue;
    if (help !== undefined) lines.push(`# HELP ${name} ${help}`);
    if (type !== undefined) lines.push(`# TYPE ${name} ${type}`);
    for (const [series, value] of samples) lines.push(`${name}${series.slice(given.length)} ${value}`);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

const COMMENT = /^#\s+(HELP|TYPE)\s+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\s+(.*))?$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABELS = /^\s*(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*"\s*,?\s*)*$/;
const VALUE = /^(?:[-+]?Inf|NaN|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)$/;
const TYPES: ReadonlySet<string> = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);
/** What the samples of a family may have behind its name. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["_sum", "_count"],
};

function readFamilies(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  const family = (name: string): Family => {
    const found: Family = families.get(name) ?? { samples: new Map() };
    families.set(name, found);
    return found;
  };
  let series = 0;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const comment = COMMENT.exec(line);
    if (comment !== null) {
      if (families.size >= MAX_SERIES) continue;
      const [, kind, name = "", rest = ""] = comment;
      if (kind === "HELP") family(name).help ??= rest;
      else if (TYPES.has(rest)) family(name).type ??= rest;
      continue;
    }
    const [, name, labels, value] = SAMPLE.exec(line) ?? [];
    if (name === undefined || !VALUE.test(value ?? "") || !LABELS.test(labels ?? "")) continue;
    const { samples } = family(familyOf(name, families));
    const key = labels === undefined ? name : `${name}{${labels}}`;
    if (samples.has(key) || series >= MAX_SERIES) continue;
    series++;
    samples.set(key, value!);
  }
  return families;
}

function familyOf(name: string, families: ReadonlyMap<string, Family>): string {
  for (const [type, suffixes] of Object.entries(SUFFIXES)) {
    for (const suffix of suffixes) {
      const base = name.slice(0, -suffix.length);
      if (name.endsWith(suffix) && families.get(base)?.type === type) return base;
    }
  }
  return name;
}
