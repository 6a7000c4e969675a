/**
 * A registry whose metrics exist once somebody reads them.
 *
 * @module
 */
import { loadPromClient, type PromClient, type PromRegistry } from "./prom_client.ts";

/**
 * Changes remembered before the metrics are made without a reader, and after which that is tried again. A change is a closure
 * of about 200 bytes.
 */
const MAX_PENDING = 1000;
/** Most changes remembered while prom-client cannot be loaded, as when no file can be opened; about 2 MB. */
const MAX_KEPT = 10_000;

/** Changes a metric, now or when it is made. Changes of one registry keep their order. */
export type Change<Metric> = (change: (metric: Metric) => void) => void;

/** Remembers declarations and changes until the first {@linkcode LateRegistry.open}, then applies everything at once. */
export class LateRegistry {
  readonly #load: () => Promise<PromClient>;
  #registry: PromRegistry | undefined;
  #declared: ((prom: PromClient, registry: PromRegistry) => void)[] = [];
  #changes: (() => void)[] = [];

  /** @param load Loads prom-client; may fail and be called again. */
  constructor(load: () => Promise<PromClient> = loadPromClient) {
    this.#load = load;
  }

  /**
   * Declares a metric.
   *
   * @param make Makes it in `registry`; must not throw, so check names and labels before.
   */
  declare<Metric>(make: (prom: PromClient, registry: PromRegistry) => Metric): Change<Metric> {
    let metric: Metric | undefined;
    this.#declared.push((prom, registry) => metric = make(prom, registry));
    return (change) => {
      if (metric !== undefined) change(metric);
      else this.#remember(() => change(metric!));
    };
  }

  /** The registry with everything that was declared and changed so far. */
  async open(): Promise<PromRegistry> {
    const prom = await this.#load();
    const registry = this.#registry ??= new prom.Registry();
    for (const make of this.#declared.splice(0)) make(prom, registry);
    for (const change of this.#changes.splice(0)) change();
    return registry;
  }

  #remember(change: () => void): void {
    // The oldest say least about what is: a gauge was set again, and counters start at 0 in each new agent anyway.
    if (this.#changes.length === MAX_KEPT) this.#changes.splice(0, MAX_PENDING);
    this.#changes.push(change);
    // A failure to load is met again, and reported, by whoever reads the metrics.
    if (this.#changes.length % MAX_PENDING === 0) this.open().catch(() => {});
  }
}
