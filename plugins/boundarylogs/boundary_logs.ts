/**
 * Joins connections, store and forwarder. What brings protobuf along is loaded when the first jail or the control plane connects.
 *
 * @module
 */
import { join } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Needs, PluginContext, Variables } from "../../core/plugin.ts";
import { BatchStore } from "./batch_store.ts";
import { type BoundaryMetrics, boundaryMetrics } from "./boundary_metrics.ts";
import type { BoundarylogsConfig } from "./config.ts";
import { Forwarder } from "./forwarder.ts";
import type { Journal } from "./journal.ts";
import { boundarySocketPath, SOCKET_VARIABLE } from "./socket_path.ts";

type Context = PluginContext<BoundarylogsConfig, Needs>;

/** Starts to listen, and to forward whenever there is a connection. A socket that cannot be had degrades the plugin. */
export async function startBoundaryLogs(ctx: Context): Promise<void> {
  const { config, log } = ctx;
  const env = await ctx.env.build();
  const path = boundarySocketPath(config.socketPath, env);
  const metrics = boundaryMetrics(ctx.metrics);
  if (path === null) {
    log.warn("boundary log socket is off: its path is empty");
    return;
  }
  const store = await openStore(ctx, metrics, env, () => forwarder.isRunning);
  const forwarder = new Forwarder({ store, log, metrics });
  ctx.defer(() => forwarder.ended());
  ctx.rpc.whileConnected("boundary logs", async (rpc, signal) => {
    const { Agent } = await import("../../core/proto/gen/agent_pb.ts");
    const client = rpc.client(Agent);
    await forwarder.run((request) => client.reportBoundaryLogs(request, { signal }).then(() => {}), signal);
  }, { until: "stop" });
  ctx.hooks.onDrain((signal) => forwarder.settled(signal));
  await listen(ctx, path, store, metrics);
}

/** Opens the store. It is released after the connections and the forwarder: by then nobody adds or takes anything. */
async function openStore(
  ctx: Context,
  metrics: BoundaryMetrics,
  env: Variables,
  isForwarding: () => boolean,
): Promise<BatchStore> {
  const { config, log } = ctx;
  const journal = config.spill.enabled ? await openJournal(ctx, env) : undefined;
  for (let i = 0; i < (journal?.damaged ?? 0); i++) metrics.journalLosses.inc({ reason: "damaged" });
  const store = new BatchStore({ queuedBatches: config.queuedBatches, journal, metrics, log, isForwarding });
  metrics.queued.collect(() => store.inMemory);
  metrics.journalBytes.collect(() => journal?.bytes ?? 0);
  ctx.defer(async () => {
    const lost = await store.close();
    if (lost.length === 0) return;
    const entries = lost.reduce((sum, request) => sum + request.logs.length, 0);
    log.warn("boundary logs are lost: the agent stopped first", { batches: lost.length, entries });
  });
  return store;
}

/** Without its journal, the plugin does what it does with the spill off. */
async function openJournal(ctx: Context, env: Variables): Promise<Journal | undefined> {
  const { directory: named, maxBytes } = ctx.config.spill;
  const directory = named ?? join(env.XDG_STATE_HOME || join(env.HOME ?? "/", ".local/state"), "outpost/boundarylogs");
  try {
    const { Journal } = await import("./journal.ts");
    return await Journal.open({ directory, maxBytes });
  } catch (error) {
    ctx.log.warn("cannot open the boundary journal", { directory, error: messageOf(error) });
    ctx.health.degraded(`no journal for boundary logs: ${messageOf(error)}`);
    return undefined;
  }
}

async function listen(ctx: Context, path: string, store: BatchStore, metrics: BoundaryMetrics): Promise<void> {
  const { config, log } = ctx;
  let connections = 0;
  metrics.connections.collect(() => connections);
  try {
    await ctx.socket.listen(path, async (connection) => {
      if (connections >= config.maxConnections) {
        metrics.refusedConnections.inc();
        return;
      }
      connections++;
      try {
        const { readJail } = await import("./jail_connection.ts");
        await readJail(connection, { log, metrics, take: (request) => store.put(request) });
      } finally {
        connections--;
      }
    });
  } catch (error) {
    log.warn("cannot listen for boundary logs", { path, error: messageOf(error) });
    ctx.health.degraded(`no socket for boundary logs: ${messageOf(error)}`);
    return;
  }
  ctx.env.contribute("boundary log socket", () => ({ [SOCKET_VARIABLE]: path }));
  ctx.announce({ limits: { queuedBatches: config.queuedBatches, maxConnections: config.maxConnections } });
}
