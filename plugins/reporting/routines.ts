/**
 * What runs while the agent is connected. Imported with the first connection, because it brings protobuf.
 *
 * @module
 */
import { type Duration, timestampFromMs } from "@bufbuild/protobuf/wkt";

import { Deadline } from "../../core/deadline.ts";
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, Rpc } from "../../core/plugin.ts";
import { Agent, AppHealth, Stats_Metric_Type } from "../../core/proto/gen/agent_pb.ts";
import { uuidBytes } from "../../core/uuid.ts";
import type { ManifestApp, ManifestFeed, ManifestMetadata } from "../controlplane/service.ts";
import { AppWatch, checkedApps } from "./app_health.ts";
import type { ReportingConfig } from "./config.ts";
import { openHttpProbe } from "./http_probe.ts";
import { readMemoryUsage, type Usage } from "./memory_usage.ts";
import { type CollectedMetadata, MetadataCollector } from "./metadata_collector.ts";
import type { MetadataCommand, MetadataResult } from "./metadata_command.ts";
import type { ReportOutcomes } from "./report_outcomes.ts";
import { type Datapoint, isMonitoring, type MonitorSettings, ResourceMonitor } from "./resource_monitor.ts";
import type { StatsCollector, StatsReport } from "./stats_collector.ts";
import { ticks } from "./ticks.ts";
import { together, withLatest } from "./together.ts";

/** What the routines share with the plugin. */
export interface RoutineParts {
  readonly config: ReportingConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** Absent without the plugin that knows the manifest. */
  readonly manifests: ManifestFeed | undefined;
  readonly outcomes: ReportOutcomes;
  readonly stats: StatsCollector;
  /** Runs the script of a metadata item. Never rejects. */
  readonly collect: (command: MetadataCommand, signal: AbortSignal) => Promise<MetadataResult>;
}

/** Asks for the interval with an empty report, then reports at that interval, which each answer may change. */
export async function reportStats(rpc: Rpc, signal: AbortSignal, parts: RoutineParts): Promise<void> {
  const { clock, outcomes, stats } = parts;
  const client = rpc.client(Agent);
  let intervalMs = statsInterval((await outcomes.send("stats", () => client.updateStats({}))).reportInterval);
  for await (const _ of ticks(clock, () => intervalMs, signal)) {
    const report = await stats.collect();
    const answer = await outcomes.send("stats", () => client.updateStats({ stats: statsMessage(report) }));
    report.arrived();
    intervalMs = statsInterval(answer.reportInterval);
  }
}

/** Interval of an answer without one, in milliseconds: the reference's. */
const DEFAULT_STATS_MS = 300_000;
/** Shortest interval taken, in milliseconds: a slip of the control plane must not make the agent spin. */
const SHORTEST_STATS_MS = 1000;

function statsInterval(interval: Duration | undefined): number {
  if (interval === undefined) return DEFAULT_STATS_MS;
  return Math.max(SHORTEST_STATS_MS, Number(interval.seconds) * 1000 + interval.nanos / 1e6);
}

/** What is sent when no peer of a private network answered; there is no such network here. */
const NO_LATENCY_MS = -1;
const METRIC_TYPE = { counter: Stats_Metric_Type.COUNTER, gauge: Stats_Metric_Type.GAUGE } as const;

function statsMessage({ connections, traffic, sessions, metrics }: StatsReport) {
  return {
    connectionCount: BigInt(connections),
    ...(connections > 0 && { connectionsByProto: { TCP: BigInt(connections) } }),
    connectionMedianLatencyMs: NO_LATENCY_MS,
    rxBytes: BigInt(traffic.received),
    txBytes: BigInt(traffic.sent),
    sessionCountSsh: BigInt(sessions.ssh),
    sessionCountVscode: BigInt(sessions.vscode),
    sessionCountJetbrains: BigInt(sessions.jetbrains),
    sessionCountReconnectingPty: BigInt(sessions.terminals),
    metrics: metrics.map(({ name, type, value, labels }) => ({
      ...{ name, type: METRIC_TYPE[type], value },
      labels: Object.entries(labels).map(([label, text]) => ({ name: label, value: text })),
    })),
  };
}

/** Collects what the manifest asks for and sends it, one report at a time. */
export async function reportMetadata(rpc: Rpc, signal: AbortSignal, parts: RoutineParts): Promise<void> {
  const { config: { metadata: { tickMs, maxRunning, sendMs } }, clock, manifests, outcomes, collect } = parts;
  if (manifests === undefined) return;
  const client = rpc.client(Agent);
  const collector = new MetadataCollector({ clock, tickMs, maxRunning, collect });
  async function send(): Promise<void> {
    const metadata = collector.take().map(metadataMessage);
    if (metadata.length === 0) return;
    await outcomes.send("metadata", () =>
      new Deadline(clock, sendMs).run(
        "the report of metadata",
        (limit) => client.batchUpdateMetadata({ metadata }, { signal: limit }),
        { signal, graceMs: 0 },
      ));
  }
  try {
    await withLatest(metadataOf(manifests), signal, async (items, ends) => {
      collector.update(items);
      collector.collectDue(signal);
      if (items.length === 0) return;
      const pace = (until: AbortSignal) => ticks(clock, () => tickMs, until);
      await together(ends, async (until) => {
        for await (const _ of pace(until)) collector.collectDue(signal);
      }, async (until) => {
        for await (const _ of pace(until)) await send();
      });
    });
  } finally {
    await collector.settled();
  }
}

function metadataOf(manifests: ManifestFeed) {
  return async function* (signal: AbortSignal): AsyncGenerator<readonly ManifestMetadata[]> {
    for await (const { metadata } of manifests.watch(signal)) yield metadata;
  };
}

function metadataMessage({ key, value, error, collectedAtMs }: CollectedMetadata) {
  return { key, result: { value, error, collectedAt: timestampFromMs(collectedAtMs) } };
}

/** Watches the apps of the manifest, and sends the health of all when that of one changes. */
export async function reportAppHealth(rpc: Rpc, signal: AbortSignal, parts: RoutineParts): Promise<void> {
  const { config, clock, log, manifests, outcomes } = parts;
  if (manifests === undefined) return;
  const client = rpc.client(Agent);
  using http = openHttpProbe(clock);
  await withLatest(appsOf(manifests), signal, async (apps, ends) => {
    if (apps.length === 0) return;
    const watch = new AppWatch(apps, { clock, probe: http.probe });
    await together(ends, (until) => watch.run(until), async (until) => {
      for await (const _ of ticks(clock, () => config.apps.tickMs, until)) {
        const change = watch.changes();
        if (change === undefined) continue;
        const updates = change.states.map(({ id, state }) => ({ id: uuidBytes(id), health: APP_HEALTH[state] }));
        try {
          await outcomes.send("app_health", () => client.batchUpdateAppHealths({ updates }));
          change.arrived();
        } catch (error) {
          // The next look sends what is true then.
          if (!until.aborted) log.warn("app health not reported", { error: messageOf(error) });
        }
      }
    });
  });
}

const APP_HEALTH = {
  initializing: AppHealth.INITIALIZING,
  healthy: AppHealth.HEALTHY,
  unhealthy: AppHealth.UNHEALTHY,
} as const;

function appsOf(manifests: ManifestFeed) {
  return async function* (signal: AbortSignal): AsyncGenerator<readonly ManifestApp[]> {
    for await (const { apps } of manifests.watch(signal)) yield checkedApps(apps);
  };
}

/** Asks once what is to be monitored, then samples it and sends the window. */
export async function monitorResources(rpc: Rpc, signal: AbortSignal, parts: RoutineParts): Promise<void> {
  const { clock, log, outcomes } = parts;
  const client = rpc.client(Agent);
  const { config, memory, volumes } = await client.getResourcesMonitoringConfiguration({});
  const settings: MonitorSettings = {
    memory: memory?.enabled ?? false,
    volumes: volumes.filter(({ enabled }) => enabled).map(({ path }) => path),
    datapoints: config?.numDatapoints ?? 0,
    intervalMs: (config?.collectionIntervalSeconds ?? 0) * 1000,
  };
  if (!isMonitoring(settings)) return;
  const { readVolumeUsage } = await import("./volume_usage.ts");
  const monitor = new ResourceMonitor(settings, {
    clock,
    log,
    memory: () => readMemoryUsage({ readText: (path) => Deno.readTextFile(path), host: () => Deno.systemMemoryInfo() }),
    volume: readVolumeUsage,
    push: async (window) => {
      const datapoints = window.map(datapointMessage);
      await outcomes.send("resources", () => client.pushResourcesMonitoringUsage({ datapoints }));
    },
  });
  await monitor.run(signal);
}

function datapointMessage({ atMs, memory, volumes }: Datapoint) {
  return {
    collectedAt: timestampFromMs(atMs),
    ...(memory !== undefined && { memory: usageMessage(memory) }),
    volumes: volumes.map(({ path, ...usage }) => ({ volume: path, ...usageMessage(usage) })),
  };
}

function usageMessage({ used, total }: Usage) {
  return { used: BigInt(Math.round(used)), total: BigInt(Math.round(total)) };
}
