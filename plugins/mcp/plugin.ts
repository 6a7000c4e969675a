/**
 * Wires tools, sessions and routes.
 *
 * @module
 */
import { LoadedLate } from "../../core/loaded_late.ts";
import { definePlugin, optional, type Plugin } from "../../core/plugin.ts";
import { FileAccess } from "../agentfiles/service.ts";
import { Processes } from "../agentproc/service.ts";
import { TaskReporter } from "../agentsocket/service.ts";
import { DesktopActions } from "../desktop/service.ts";
import { mcpConfig } from "./config.ts";
import { loadSessions } from "./load_sessions.ts";
import { localWorkspace } from "./local_workspace.ts";
import { mcpMetrics } from "./mcp_metrics.ts";
import { addPlainRoutes } from "./plain_routes.ts";
import type { SessionOptions } from "./session.ts";
import { addTaskEventRoute } from "./task_event_route.ts";
import { TaskReports } from "./task_reports.ts";

/** Milliseconds between two looks for idle sessions. */
const LOOK_EVERY_MS = 60_000;

/** Serves the workspace to AI agents. */
const mcp: Plugin = definePlugin({
  id: "mcp",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary: "Serves the workspace to AI agents through the Model Context Protocol.",
  config: mcpConfig,
  needs: {
    processes: optional(Processes),
    files: optional(FileAccess),
    tasks: optional(TaskReporter),
    desktop: optional(DesktopActions),
  },
  permissions: {},
  setup(ctx) {
    const { config, clock, log, services } = ctx;
    const metrics = mcpMetrics(ctx.metrics);
    const tasks = services.tasks && new TaskReports(services.tasks);
    const options: SessionOptions = {
      version: ctx.host.agentVersion,
      workspace: (caller) => localWorkspace({ ...services, tasks }, caller),
      tasks,
      ...{ config, clock, log, metrics },
    };

    const sessions = new LoadedLate(async () => new (await loadSessions()).McpSessions(options));
    metrics.sessions.collect(async () => (await sessions.present())?.size ?? 0);
    ctx.tasks.every("close idle sessions", LOOK_EVERY_MS, async () => await (await sessions.present())?.closeIdle());
    ctx.hooks.onDrain(async () => await (await sessions.present())?.close());
    ctx.defer(async () => await (await sessions.present())?.close());

    addPlainRoutes(ctx.routes.app, options);
    addTaskEventRoute(ctx.routes.app, tasks);
    ctx.routes.describe(async () => (await import("./api.ts")).mcpApi);
    ctx.routes.app.all("/", async (c) => await (await sessions.use()).handle(c.req.raw));
    ctx.routes.limit("/", { maxBodyBytes: config.maxMessageBytes });
    ctx.routes.limit("/call-tool", { maxBodyBytes: config.maxMessageBytes, handlerMs: Infinity });
    ctx.announce({ capabilities: ["mcp.http", "mcp.tools"], limits: { maxSessions: config.maxSessions } });
  },
  commands: [{
    name: "mcp",
    summary: "Serve the running agent's tools to an MCP client on standard input and output",
    usage:
      "[--unix PATH] [--allowed-tools NAMES] [--instructions TEXT] [--app-status-slug SLUG [--ai-agentapi-url URL]]",
    load: async () => (await import("./stdio_command.ts")).serveStdio,
  }, {
    name: "mcp configure",
    summary: "Add Outpost to an MCP client: claude-code, claude-desktop or cursor",
    usage: "CLIENT [PROJECT] [--dry-run] [--config FILE] [--unix PATH] [--allowed-tools NAMES] " +
      "[--app-status-slug SLUG [--ai-agentapi-url URL]]",
    load: async () => (await import("./configure_command.ts")).configureClient,
  }],
});

export default mcp;
