/**
 * All metrics of one agent: the core's own, and one registry per plugin that comes and goes with it.
 *
 * @module
 */
import { Deadline } from "../deadline.ts";
import type { PluginPhase } from "../errors.ts";
import { type State, STATES } from "../lifecycle.ts";
import type { Clock, GatheredMetric } from "../plugin.ts";
import { PluginMetrics, type PluginMetricsOptions } from "./plugin_metrics.ts";
import { type Change, LateRegistry } from "./late_registry.ts";
import type { PromClient, PromCounter, PromGauge, PromHistogram, PromRegistry } from "./prom_client.ts";

/** Bounds of request durations in seconds: from a cached answer to a reply that waits for a process. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 300];

/** Longest time one plugin may take for a scrape, in milliseconds; Prometheus itself gives up after 10 s. */
const SCRAPE_MS = 2000;

/** One finished request. */
export interface RequestObservation {
  /** Plugin id, or `core`. */
  readonly plugin: string;
  /** Route pattern, never the path itself: paths would make a series each. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

/** Owns the registries of one agent. */
export class MetricsHub {
  readonly #core = new LateRegistry();
  readonly #clock: Clock;
  readonly #plugins = new Map<string, { metrics: PluginMetrics; collectFailed(error: unknown): void }>();
  readonly #names = new Map<string, string>();
  readonly #change: Change<CoreMetrics>;

  constructor(build: BuildFacts, clock: Clock) {
    this.#clock = clock;
    this.#change = this.#core.declare((prom, registry) => coreMetrics(prom, registry, build));
    for (const name of Object.values(CORE_NAMES)) this.#names.set(name, "core");
  }

  /** Opens a registry for one life of a plugin. Dispose it with the plugin. */
  open(
    plugin: string,
    options: Pick<PluginMetricsOptions, "assertOpen" | "enter" | "collectFailed">,
  ): PluginMetrics & Disposable {
    const claimed: string[] = [];
    const metrics = new PluginMetrics({
      ...options,
      prefix: prefixOf(plugin),
      claim: (name) => {
        const owner = this.#names.get(name);
        if (owner !== undefined) {
          throw new TypeError(`Cannot register metric "${name}": it is already registered by "${owner}"`);
        }
        this.#names.set(name, plugin);
        claimed.push(name);
      },
      gather: () => this.gather(),
      agentText: () => this.exposition(),
    });
    this.#plugins.set(plugin, { metrics, collectFailed: options.collectFailed });
    return Object.assign(metrics, {
      [Symbol.dispose]: () => {
        if (this.#plugins.get(plugin)?.metrics === metrics) this.#plugins.delete(plugin);
        for (const name of claimed) this.#names.delete(name);
      },
    });
  }

  /** Records where a plugin is now. */
  stateChanged(plugin: string, state: State): void {
    this.#change(({ states }) => {
      for (const each of STATES) states.set({ plugin, state: each }, each === state ? 1 : 0);
    });
  }

  /** Counts an error that left plugin code. */
  pluginFailed(plugin: string, phase: PluginPhase): void {
    this.#change(({ errors }) => errors.inc({ plugin, phase }));
  }

  /** Counts one finished request. */
  requestDone({ plugin, route, method, status, seconds }: RequestObservation): void {
    this.#change(({ requests, durations }) => {
      requests.inc({ plugin, route, method, status });
      durations.observe({ plugin, route, status }, seconds);
    });
  }

  /** Prometheus text exposition 0.0.4 of everything. A plugin that does not answer in time is left out. */
  async exposition(): Promise<string> {
    const texts = await Promise.all([
      this.#core.open().then((registry) => registry.metrics()),
      ...[...this.#plugins.keys()].map((plugin) => this.expositionOf(plugin)),
    ]);
    return texts.filter((text) => text.trim() !== "").join("\n");
  }

  /** What one plugin adds to {@linkcode exposition}. */
  async expositionOf(plugin: string): Promise<string> {
    return await this.#ask(plugin, (metrics) => metrics.exposition()) ?? "";
  }

  /** Every counter and gauge that {@linkcode exposition} shows, but for texts that plugins add as they are. */
  async gather(): Promise<readonly GatheredMetric[]> {
    const registries = await Promise.all([
      this.#core.open().then((registry) => registry.getMetricsAsJSON()),
      ...[...this.#plugins.keys()].map((plugin) =>
        this.#ask(plugin, async ({ registry }) => await (await registry.open()).getMetricsAsJSON())
      ),
    ]);
    return registries.flatMap((metrics) => metrics ?? []).flatMap(({ name, type: kind, values }) => {
      const type = String(kind); // Declared as numbers, and texts in truth.
      if (type !== "counter" && type !== "gauge") return [];
      return values.map(({ value, labels }) => ({
        ...{ name, type, value },
        labels: Object.fromEntries(Object.entries(labels).map(([label, text]) => [label, String(text)])),
      }));
    });
  }

  /** Asks one plugin. `undefined` when it is not there or does not answer in time. */
  async #ask<Answer>(
    plugin: string,
    read: (metrics: PluginMetrics) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const opened = this.#plugins.get(plugin);
    if (opened === undefined) return undefined;
    try {
      const deadline = new Deadline(this.#clock, SCRAPE_MS);
      return await deadline.run(`scrape of plugin "${plugin}"`, () => read(opened.metrics));
    } catch (error) {
      opened.collectFailed(error);
      return undefined;
    }
  }

  /** Names that the plugin has and that do not start with its prefix. */
  exactNames(plugin: string): readonly string[] {
    const prefix = prefixOf(plugin);
    return [...this.#names].filter(([name, owner]) => owner === plugin && !name.startsWith(prefix)).map(([name]) =>
      name
    );
  }

  /** Media type of {@linkcode exposition}. */
  readonly contentType: string = "text/plain; version=0.0.4; charset=utf-8";
}

/** In front of every metric of a plugin. */
export function prefixOf(plugin: string): string {
  return `agent_${plugin.replaceAll("-", "_")}_`;
}

interface BuildFacts {
  readonly name: string;
  readonly version: string;
}

interface CoreMetrics {
  readonly states: PromGauge;
  readonly errors: PromCounter;
  readonly requests: PromCounter;
  readonly durations: PromHistogram;
}

const CORE_NAMES = {
  build: "agent_build_info",
  states: "agent_plugin_state",
  errors: "agent_plugin_errors_total",
  requests: "agent_http_requests_total",
  durations: "agent_http_request_duration_seconds",
} as const;

function coreMetrics(
  { Counter, Gauge, Histogram }: PromClient,
  registry: PromRegistry,
  build: BuildFacts,
): CoreMetrics {
  const registers = [registry];
  new Gauge({
    name: CORE_NAMES.build,
    help: "Always 1; the labels say which build answers.",
    labelNames: ["name", "version"],
    registers,
  }).set({ name: build.name, version: build.version }, 1);
  return {
    states: new Gauge({
      name: CORE_NAMES.states,
      help: "1 for the state a plugin is in. A plugin in failed or degraded: read the reason with `outpost plugins`.",
      labelNames: ["plugin", "state"],
      registers,
    }),
    errors: new Counter({
      name: CORE_NAMES.errors,
      help:
        "Errors that left plugin code, by phase. A rise means a fault in that plugin; its log lines name the cause.",
      labelNames: ["plugin", "phase"],
      registers,
    }),
    requests: new Counter({
      name: CORE_NAMES.requests,
      help:
        "Requests answered, by route pattern. A rise of status 5xx means failing handlers; 401 and 403 unwanted callers.",
      labelNames: ["plugin", "route", "method", "status"],
      registers,
    }),
    durations: new Histogram({
      name: CORE_NAMES.durations,
      help: "Time from request to answer. A rise without more requests means slow handlers or an overloaded machine.",
      labelNames: ["plugin", "route", "status"],
      buckets: DURATION_BUCKETS,
      registers,
    }),
  };
}
