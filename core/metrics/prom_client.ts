/**
 * The four parts of prom-client that are used, loaded when the first metric is read.
 *
 * prom-client is CommonJS, and the first CommonJS module loads much of Deno's Node layer: together 25 ms and 9 MB, which an
 * agent that nobody scrapes never pays.
 *
 * @module
 */
import type { Counter, Gauge, Histogram, Registry } from "prom-client";

import { loadCommonJs } from "../common_js.ts";

/** A set of metrics with one text exposition. */
export type PromRegistry = Registry;
/** See prom-client. */
export type PromCounter = Counter;
/** See prom-client. */
export type PromGauge = Gauge;
/** See prom-client. */
export type PromHistogram = Histogram;

/** What is used of prom-client. */
export interface PromClient {
  readonly Registry: typeof Registry;
  readonly Counter: typeof Counter;
  readonly Gauge: typeof Gauge;
  readonly Histogram: typeof Histogram;
}

/** Loads prom-client; at once after the first time. A failure is not kept. */
export async function loadPromClient(): Promise<PromClient> {
  const [registry, counter, gauge, histogram] = await Promise.all([
    loadCommonJs<typeof Registry>("prom-client/lib/registry.js", () => import("prom-client/lib/registry.js")),
    loadCommonJs<typeof Counter>("prom-client/lib/counter.js", () => import("prom-client/lib/counter.js")),
    loadCommonJs<typeof Gauge>("prom-client/lib/gauge.js", () => import("prom-client/lib/gauge.js")),
    loadCommonJs<typeof Histogram>("prom-client/lib/histogram.js", () => import("prom-client/lib/histogram.js")),
  ]);
  return { Registry: registry, Counter: counter, Gauge: gauge, Histogram: histogram };
}
