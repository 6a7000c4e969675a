/**
 * Metrics of one plugin: its own registry, names it cannot get wrong, labels from closed sets.
 *
 * @module
 */
import type {
  Counter as CounterHandle,
  GatheredMetric,
  Gauge as GaugeHandle,
  Histogram as HistogramHandle,
  LabelArgs,
  Labels,
  Metrics,
  MetricSpec,
  NoLabels,
} from "../plugin.ts";
import { LateRegistry } from "./late_registry.ts";

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
  /** Reads the counters and gauges of all registries. */
  gather(): Promise<readonly GatheredMetric[]>;
  /** Text of all registries. */
  agentText(): Promise<string>;
}

/** Implements `ctx.metrics`. */
export class PluginMetrics implements Metrics {
  readonly registry: LateRegistry = new LateRegistry();
  /** Text exposition that comes from elsewhere; each has to see to its own names. */
  readonly texts: (() => Promise<string>)[] = [];
  readonly #options: PluginMetricsOptions;

  constructor(options: PluginMetricsOptions) {
    this.#options = options;
  }

  counter<const L extends Labels = NoLabels>(name: `${string}_total`, spec: MetricSpec<L>): CounterHandle<L> {
    const configuration = this.#configuration(name, spec);
    const change = this.registry.declare(({ Counter }, registry) =>
      new Counter({ ...configuration, registers: [registry] })
    );
    const check = labelCheck(name, spec.labels);
    const add = (by: number, given: object | undefined): void => {
      if (!(by >= 0)) throw new RangeError(`Cannot add ${by} to counter "${name}": it only counts up`);
      const labels = check(given);
      change((counter) => counter.inc(labels, by));
    };
    return {
      inc: (...labels: LabelArgs<L>) => add(1, labels[0]),
      add: (by, ...labels: LabelArgs<L>) => add(finite(name, by), labels[0]),
    };
  }

  gauge<const L extends Labels = NoLabels>(name: string, spec: MetricSpec<L>): GaugeHandle<L> {
    const reads: (() => Promise<void>)[] = [];
    const configuration = this.#configuration(name, spec);
    const change = this.registry.declare(({ Gauge }, registry) =>
      new Gauge({
        ...configuration,
        registers: [registry],
        collect: async () => void await Promise.all(reads.map((read) => read())),
      })
    );
    const check = labelCheck(name, spec.labels);
    return {
      set: (value, ...given: LabelArgs<L>) => {
        const [labels, to] = [check(given[0]), finite(name, value)];
        change((gauge) => gauge.set(labels, to));
      },
      add: (by, ...given: LabelArgs<L>) => {
        const [labels, more] = [check(given[0]), finite(name, by)];
        change((gauge) => gauge.inc(labels, more));
      },
      collect: (read, ...labels: LabelArgs<L>) => {
        const values = check(labels[0]);
        reads.push(async () => {
          try {
            const value = finite(name, await this.#options.enter(read));
            change((gauge) => gauge.set(values, value));
          } catch (error) {
            change((gauge) => gauge.remove(values));
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
    const configuration = { ...this.#configuration(name, spec), buckets: [...spec.buckets] };
    const change = this.registry.declare(({ Histogram }, registry) =>
      new Histogram({ ...configuration, registers: [registry] })
    );
    const check = labelCheck(name, spec.labels);
    return {
      observe: (value, ...given: LabelArgs<L>) => {
        const [labels, observed] = [check(given[0]), finite(name, value)];
        change((histogram) => histogram.observe(labels, observed));
      },
    };
  }

  agentText(): Promise<string> {
    return this.#options.agentText();
  }

  /** Claims a name that an added text uses. @throws {TypeError} When it is taken. */
  claim(name: string): void {
    this.#options.claim(name);
  }

  /** Text exposition of everything. */
  async exposition(): Promise<string> {
    const registry = await this.registry.open();
    const texts = await Promise.all([registry.metrics(), ...this.texts.map((read) => read())]);
    return texts.filter((text) => text.trim() !== "").join("\n");
  }

  gather(): Promise<readonly GatheredMetric[]> {
    return this.#options.gather();
  }

  #configuration(name: string, spec: MetricSpec<Labels>) {
    const fullName = spec.exactName ?? this.#options.prefix + name;
    this.#options.assertOpen(`register metric "${fullName}"`);
    if (spec.help.trim() === "") throw new TypeError(`Cannot register metric "${fullName}": help text is missing`);
    const labelNames = Object.keys(spec.labels ?? {});
    if (!METRIC_NAME.test(fullName)) throw new SyntaxError(`Cannot register metric "${fullName}": not a metric name`);
    for (const label of labelNames) {
      // A histogram keeps its bounds in "le".
      if (LABEL_NAME.test(label) && label !== "le") continue;
      throw new SyntaxError(`Cannot register metric "${fullName}": "${label}" is not a label name`);
    }
    this.#options.claim(fullName);
    return { name: fullName, help: spec.help, labelNames };
  }
}

/** Prometheus' data model. The metric itself is made later, so what it would refuse is refused here. */
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

function finite(metric: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new TypeError(`Cannot record ${value} in metric "${metric}": expected a finite number`);
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
