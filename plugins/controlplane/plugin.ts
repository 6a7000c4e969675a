/**
 * Wires the agent API of the control plane to services, the environment and the lifecycle.
 *
 * @module
 */
import { LatestValue } from "../../core/latest_value.ts";
import { type Clock, definePlugin, type Plugin } from "../../core/plugin.ts";
import { controlplaneConfig } from "./config.ts";
import { ConnectionQueue } from "./connection_queue.ts";
import { builtInVariables, manifestVariables, secretVariables } from "./environment.ts";
import { LifecycleDriver } from "./lifecycle_driver.ts";
import type { ManifestReading } from "./manifest.ts";
import {
  type Banner,
  BannerFeed,
  ConnectionReports,
  LifecycleReports,
  type Manifest,
  ManifestFeed,
} from "./service.ts";

/** Speaks the agent API: what the workspace is told, and what it tells. */
const controlplane: Plugin = definePlugin({
  id: "controlplane",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary: "Takes the manifest from the control plane and reports the agent's life to it.",
  config: controlplaneConfig,
  provides: [ManifestFeed, LifecycleReports, ConnectionReports, BannerFeed],
  permissions: { read: true, write: true },
  setup(ctx) {
    const { config, clock, log } = ctx;
    const readings = new LatestValue<ManifestReading>();
    const manifests = new LatestValue<Manifest>();
    const banners = new LatestValue<readonly Banner[]>();
    const lifecycle = new LifecycleDriver({ clock, log, signal: ctx.signal });
    const connections = new ConnectionQueue({ clock, log, maxReports: config.maxConnectionReports });
    const shared = { ctx, readings, manifests, banners, lifecycle, connections };
    for (const value of [readings, manifests, banners, lifecycle.history.changes, connections.changes]) {
      ctx.defer(() => value.close());
    }

    ctx.provide(ManifestFeed, { watch: (signal) => manifests.watch(signal) });
    ctx.provide(BannerFeed, { watch: (signal) => banners.watch(signal) });
    ctx.provide(LifecycleReports, lifecycle);
    ctx.provide(ConnectionReports, connections);
    ctx.env.contribute("core", () => readings.current === undefined ? {} : builtInVariables(readings.current));
    ctx.env.contribute(
      "manifest",
      (base) => readings.current === undefined ? {} : manifestVariables(readings.current, base),
    );
    ctx.env.contribute("secrets", () => readings.current === undefined ? {} : secretVariables(readings.current));

    // The routines bring protobuf with them; an agent on its own never loads it.
    const routine = (name: RoutineName, until: "drain" | "stop") =>
      ctx.rpc.whileConnected(name, async (rpc, signal) => {
        const routines = await import("./routines.ts");
        await routines[name](rpc, signal, shared);
      }, { until });
    routine("handleManifest", "drain");
    routine("fetchBanners", "drain");
    routine("reportLifecycle", "stop");
    routine("reportConnections", "stop");

    ctx.hooks.onStopping(() => lifecycle.stopping());
    ctx.hooks.onDrain(async (signal) => {
      await within(clock, config.stopWorkMs, signal, (limit) => lifecycle.end(limit));
      await within(clock, config.lastWordsMs, signal, (limit) => lifecycle.settled(limit));
    }, { deadlineMs: config.stopWorkMs + config.lastWordsMs + MARGIN_MS });
  },
});
export default controlplane;

/** Runs `work` for no longer than `ms`; its signal then aborts, and what it still does is nobody's concern. */
async function within(
  clock: Clock,
  ms: number,
  parent: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([parent, over.signal]);
  await Promise.race([work(signal), clock.sleep(ms, signal).catch(() => {})]);
  over.abort();
}

type RoutineName = "handleManifest" | "fetchBanners" | "reportLifecycle" | "reportConnections";

/** Kept for what lies around the two waits of the drain, in milliseconds. */
const MARGIN_MS = 1000;
