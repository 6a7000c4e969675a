/**
 * Joins connections, queue and forwarder. What brings protobuf along is loaded when the first jail or the control plane connects.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Needs, PluginContext } from "../../core/plugin.ts";
import type { ReportBoundaryLogsRequest } from "../../core/proto/gen/agent_pb.ts";
import { BatchQueue } from "./batch_queue.ts";
import { boundaryMetrics } from "./boundary_metrics.ts";
import type { BoundarylogsConfig } from "./config.ts";
import { Forwarder } from "./forwarder.ts";
import { boundarySocketPath, SOCKET_VARIABLE } from "./socket_path.ts";

/** Starts to listen, and to forward whenever there is a connection. A socket that cannot be had degrades the plugin. */
export async function startBoundaryLogs(ctx: PluginContext<BoundarylogsConfig, Needs>): Promise<void> {
  const { config, log } = ctx;
  const path = boundarySocketPath(config.socketPath, await ctx.env.build());
  const metrics = boundaryMetrics(ctx.metrics);
  if (path === null) {
    log.warn("boundary log socket is off: its path is empty");
    return;
  }
  const queue = new BatchQueue<ReportBoundaryLogsRequest>(config.queuedBatches);
  const forwarder = new Forwarder({ queue, log, metrics });
  metrics.queued.collect(() => queue.size);

  // Released last: by then no connection adds anything, and nobody forwards.
  ctx.defer(() => {
    const left = queue.clear();
    if (left.length === 0) return;
    const entries = left.reduce((sum, request) => sum + request.logs.length, 0);
    log.warn("boundary logs are lost: the agent stopped first", { batches: left.length, entries });
  });
  ctx.rpc.whileConnected(
    "boundary logs",
    async (rpc, signal) => {
      const { Agent } = await import("../../core/proto/gen/agent_pb.ts");
      const client = rpc.client(Agent);
      await forwarder.run((request) => client.reportBoundaryLogs(request, { signal }).then(() => {}), signal);
    },
    { until: "stop" },
  );
  ctx.hooks.onDrain((signal) => forwarder.settled(signal));

  function take(request: ReportBoundaryLogsRequest): void {
    if (!queue.offer(request)) metrics.dropped("buffer_full", request.logs.length);
  }
  let connections = 0;
  metrics.connections.collect(() => connections);
  try {
    await ctx.socket.listen(path, async (connection) => {
      if (connections >= config.maxConnections) {
        metrics.refusedConnections.inc();
        return;
      }
      connections++;
      const { readJail } = await import("./jail_connection.ts");
      await readJail(connection, { log, metrics, take });
      connections--;
    });
  } catch (error) {
    log.warn("cannot listen for boundary logs", { path, error: messageOf(error) });
    ctx.health.degraded(`no socket for boundary logs: ${messageOf(error)}`);
    return;
  }
  ctx.env.contribute("boundary log socket", () => ({ [SOCKET_VARIABLE]: path }));
  ctx.announce({ limits: { queuedBatches: config.queuedBatches, maxConnections: config.maxConnections } });
}
