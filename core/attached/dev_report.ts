/**
 * What an author is told about a plugin that runs.
 *
 * @module
 */
import type { Agent } from "../agent.ts";
import { prefixOf } from "../metrics/hub.ts";

/** Values of series by their names with labels. */
export type MetricValues = ReadonlyMap<string, string>;

/** State, routes and metrics of a plugin, and how to ask it. */
export async function describeAgent(
  agent: Agent,
  plugin: string,
  { token, failedAt }: {
    readonly token: string;
    /** Where the plugin's last error was thrown. */
    readonly failedAt?: string;
  },
): Promise<string> {
  const status = agent.plugins().find(({ id }) => id === plugin);
  if (status === undefined) return "";
  const { version, state, reason, routes, setupMs = 0, startMs = 0 } = status;
  const took = Math.round(setupMs + startMs);
  const lines = [`${plugin} ${version}: ${state}${reason === undefined ? ` after ${took} ms` : `: ${reason}`}`];
  if (state === "failed" && failedAt !== undefined) lines.push(`  at ${failedAt}`);
  const { http } = agent.addresses;
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    lines.push(`  ${method.padEnd(6)} ${http}${path}`);
  }
  for (const [series, value] of metricValues(await agent.metrics(), plugin)) lines.push(`  ${series} ${value}`);
  const first = routes.find((route) => /^(?:GET|ALL) /.test(route))?.split(" ")[1]?.replace(/\/\*$/, "");
  if (first !== undefined) lines.push(`Try: curl -H "Authorization: Bearer ${token}" ${http}${first}`);
  return `${lines.join("\n")}\n`;
}

/** The plugin's own series in an exposition; histograms by their count and sum. */
export function metricValues(exposition: string, plugin: string): MetricValues {
  const values = new Map<string, string>();
  for (const line of exposition.split("\n")) {
    if (!line.startsWith(prefixOf(plugin)) || /_bucket\{/.test(line)) continue;
    const end = line.lastIndexOf(" ");
    values.set(line.slice(0, end), line.slice(end + 1));
  }
  return values;
}

/** One line for each series that is not what it was. */
export function metricChanges(before: MetricValues, now: MetricValues): string {
  return [...now].filter(([series, value]) => before.get(series) !== value)
    .map(([series, value]) => `  ${series} ${before.has(series) ? `${before.get(series)} -> ` : ""}${value}\n`).join(
      "",
    );
}

/** What `deno check` found, without what is about Deno itself. */
export function plainErrors(text: string): string {
  const useful = text.split(/\n(?:error: Type checking failed|Stack backtrace:)/)[0]!.trimEnd();
  return `${useful}\n`;
}

/** Faults of one life of a file: its start and the compiler find the same ones, in either order, and each is told once. */
export class Faults {
  readonly #told = new Set<string>();

  /** `text` without paragraphs whose places in files were all told before; empty when that leaves no place it is about. */
  news(text: string): string {
    const paragraphs = text.trimEnd().split(/\n{2,}/).map((paragraph) => {
      const places = paragraph.match(PLACE) ?? [];
      return { paragraph, places, isTold: places.length > 0 && places.every((place) => this.#told.has(place)) };
    });
    for (const { places } of paragraphs) places.forEach((place) => this.#told.add(place));
    const isAboutPlaces = paragraphs.some(({ places }) => places.length > 0);
    if (isAboutPlaces && paragraphs.every(({ places, isTold }) => isTold || places.length === 0)) return "";
    return `${paragraphs.filter(({ isTold }) => !isTold).map(({ paragraph }) => paragraph).join("\n\n")}\n`;
  }
}

/** Line and column of a file, as Deno writes them. */
const PLACE = /\bfile:\/\/[^\s()]+:\d+:\d+/g;
