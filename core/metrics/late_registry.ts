/**
 * A registry whose metrics exist once somebody reads them.
 *
 * @module
 */
import { loadPromClient, type PromClient, type PromRegistry } from "./prom_client.ts";

/**
 * Most changes remembered before the metrics are made. A change is a closure of about 200 bytes; what comes while prom-client
 * is being loaded is added to that.
 */
const MAX_PENDING = 1000;

/** Changes a metric, now or when it is made. Changes of one registry keep their order. */
export type Change<Metric> = (change: (metric: Metric) => void) => void;

/** Remembers declarations and changes until the first {@linkcode LateRegistry.open}, then applies everything at once. */
export class LateRegistry {
  #registry: PromRegistry | undefined;
  #pending: ((prom: PromClient, registry: PromRegistry) => void)[] = [];

  /**
   * Declares a metric.
   *
   * @param make Makes it in `registry`; must not throw, so check names and labels before.
   */
  declare<Metric>(make: (prom: PromClient, registry: PromRegistry) => Metric): Change<Metric> {
    let metric: Metric | undefined;
    this.#whenOpen((prom, registry) => metric = make(prom, registry));
    return (change) => {
      if (metric !== undefined) change(metric);
      else this.#whenOpen(() => change(metric!));
    };
  }

  /** The registry with everything that was declared and changed so far. */
  async open(): Promise<PromRegistry> {
    const prom = await loadPromClient();
    const registry = this.#registry ??= new prom.Registry();
    for (const step of this.#pending.splice(0)) step(prom, registry);
    return registry;
  }

  #whenOpen(step: (prom: PromClient, registry: PromRegistry) => void): void {
    this.#pending.push(step);
    // A failure to load is met again, and reported, by whoever reads the metrics.
    if (this.#pending.length === MAX_PENDING) this.open().catch(() => {});
  }
}
