/**
 * Serves processes inside the workspace: order of starts, and status reports of tasks.
 *
 * @module
 */
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { appStatusSender, taskReporter } from "./app_status.ts";
import { syncCommands } from "./commands/mod.ts";
import { agentsocketConfig } from "./config.ts";
import { addUnitRoutes } from "./routes.ts";
import { TaskReporter } from "./service.ts";
import { countCalls } from "./socket_metrics.ts";
import { socketService } from "./socket_service.ts";
import { UnitGraph } from "./unit_graph.ts";

/** The service `coder.agentsocket.v1.AgentSocket` on the agent socket. */
const agentsocket: Plugin = definePlugin({
  id: "agentsocket",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary: "Let processes of the workspace wait for each other and report what tasks do.",
  config: agentsocketConfig,
  provides: [TaskReporter],
  permissions: { read: true, write: true, net: true, sys: ["umask"] },
  supported: (host) => host.os !== "windows" || { reason: "the agent socket is a Unix socket" },
  setup(ctx) {
    const units = new UnitGraph(ctx.config);
    const sendAppStatus = appStatusSender(ctx.rpc);
    ctx.provide(TaskReporter, taskReporter(sendAppStatus));
    ctx.socket.service(
      async () => (await import("../../core/proto/gen/agentsocket_pb.ts")).AgentSocket,
      countCalls(ctx.metrics, socketService({ units, sendAppStatus })),
    );
    ctx.metrics.gauge("units", { help: "Units registered now. A steady rise is a script that invents names." })
      .collect(() => units.units().length);
    addUnitRoutes(ctx.routes.app, units);
    ctx.routes.describe(async () => (await import("./api.ts")).agentsocketApi);
    ctx.announce({ capabilities: ["sync", "tasks.report"] });
  },
  commands: syncCommands,
});

export default agentsocket;
