/**
 * Metrics of one plugin: its own registry, names it cannot get wrong, labels from closed sets.
 *
 * @module
 */
import type {
  Counter as CounterHandle,
  Gauge as GaugeHandle,
  Histogram as HistogramHandle,
  LabelArgs,
  Labels,
  Metrics,
  MetricSpec,
  NoLabels,
} from "../plugin.ts";
import { Counter, Gauge, Histogram, type PromRegistry, Registry } from "./prom_client.ts";

/** What {@linkcode PluginMetrics} needs. */
export interface PluginMetricsOptions {
  /** Prefix of every name: `agent_<plugin>_`. */
  readonly prefix: string;
  /** @throws When nothing may be registered any more. */
  assertOpen(wanted: string): void;
  /** Claims a full name across all registries. @throws {TypeError} When it is taken. */
  claim(name: string): void;
  /** Runs a `collect` function as the plugin. */
  enter<T>(fn: () => T): T;
  /** Hears errors of `collect` functions; their series is left out of that scrape. */
  collectFailed(error: unknown): void;
}

/** Implements `ctx.metrics`. */
export class PluginMetrics implements Metrics {
  readonly registry: PromRegistry = new Registry();
  readonly #options: PluginMetricsOptions;

  constructor(options: PluginMetricsOptions) {
    this.#options = options;
  }

  counter<const L extends Labels = NoLabels>(name: `${string}_total`, spec: MetricSpec<L>): CounterHandle<L> {
    const counter = new Counter(this.#configuration(name, spec));
    const check = labelCheck(name, spec.labels);
    return {
      inc: (...labels: LabelArgs<L>) => counter.inc(check(labels[0])),
      add: (by, ...labels: LabelArgs<L>) => counter.inc(check(labels[0]), by),
    };
  }

  gauge<const L extends Labels = NoLabels>(name: string, spec: MetricSpec<L>): GaugeHandle<L> {
    const reads: (() => Promise<void>)[] = [];
    const gauge = new Gauge({
      ...this.#configuration(name, spec),
      collect: async () => void await Promise.all(reads.map((read) => read())),
    });
    const check = labelCheck(name, spec.labels);
    return {
      set: (value, ...labels: LabelArgs<L>) => gauge.set(check(labels[0]), value),
      add: (by, ...labels: LabelArgs<L>) => gauge.inc(check(labels[0]), by),
      collect: (read, ...labels: LabelArgs<L>) => {
        const values = check(labels[0]);
        reads.push(async () => {
          try {
            gauge.set(values, await this.#options.enter(read));
          } catch (error) {
            gauge.remove(values);
            this.#options.collectFailed(error);
          }
        });
      },
    };
  }

  histogram<const L extends Labels = NoLabels>(
    name: `${string}_${"seconds" | "bytes"}`,
    spec: MetricSpec<L> & { readonly buckets: readonly number[] },
  ): HistogramHandle<L> {
    const histogram = new Histogram({ ...this.#configuration(name, spec), buckets: [...spec.buckets] });
    const check = labelCheck(name, spec.labels);
    return { observe: (value, ...labels: LabelArgs<L>) => histogram.observe(check(labels[0]), value) };
  }

  #configuration(name: string, spec: MetricSpec<Labels>) {
    const fullName = spec.exactName ?? this.#options.prefix + name;
    this.#options.assertOpen(`register metric "${fullName}"`);
    if (spec.help.trim() === "") throw new TypeError(`Cannot register metric "${fullName}": help text is missing`);
    this.#options.claim(fullName);
    return {
      name: fullName,
      help: spec.help,
      labelNames: Object.keys(spec.labels ?? {}),
      registers: [this.registry],
    };
  }
}

/** The compiler checks label values; plugins in plain JavaScript are checked here. */
function labelCheck(metric: string, labels: Labels = {}): (values: object | undefined) => Record<string, string> {
  const names = Object.keys(labels);
  return (values = {}) => {
    const given = values as Record<string, string>;
    for (const name of names) {
      const value = given[name];
      if (value === undefined || !labels[name]?.includes(value)) {
        throw new RangeError(
          `Cannot use "${value}" as label "${name}" of metric "${metric}": allowed is ${labels[name]?.join(", ")}`,
        );
      }
    }
    return given;
  };
}
