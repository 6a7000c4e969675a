/**
 * Wiring of the terminals plugin.
 *
 * @module
 */
import { definePlugin, optional, type Plugin } from "../../core/plugin.ts";
import { isBefore } from "../../core/version_order.ts";
import { ConnectionReports } from "../controlplane/service.ts";
import { attachQuery } from "./attach_query.ts";
import { terminalsConfig } from "./config.ts";
import { TerminalViewers } from "./service.ts";
import { TerminalTable } from "./terminal_table.ts";
import { terminalsMetrics } from "./terminals_metrics.ts";

/** Oldest version it is tested with. In 2.4, the first terminal ends the whole agent. */
const OLDEST_DENO = "2.9.0";

/** The terminals plugin. */
const plugin: Plugin = definePlugin({
  id: "terminals",
  version: "1.0.0",
  api: 1,
  stability: "beta",
  summary: "Terminals over WebSocket that outlive their viewers.",
  mount: "pty",
  config: terminalsConfig,
  provides: [TerminalViewers],
  needs: { reports: optional(ConnectionReports) },
  permissions: { read: true, run: true, ffi: true, env: true, sys: ["uid"] },
  supported({ os, denoVersion }) {
    if (os === "windows") return { reason: "it needs Unix terminals" };
    if (isBefore(denoVersion, OLDEST_DENO)) {
      return { reason: `it needs terminals as Deno ${OLDEST_DENO} has them, this is ${denoVersion}` };
    }
    return true;
  },
  setup(ctx) {
    const { clock, log, tasks, exec, env, services } = ctx;
    const table: TerminalTable = new TerminalTable({
      get config() {
        return ctx.config;
      },
      clock,
      log,
      tasks,
      exec,
      env,
      os: ctx.host.os,
      metrics: terminalsMetrics(ctx.metrics, () => table.count),
      reports: services.reports,
    });
    ctx.hooks.onStopping(() => table.stopping());
    ctx.provide(TerminalViewers, table.viewers);
    ctx.routes.webSocket("/", async (c) => {
      const query = attachQuery((name) => c.req.query(name));
      const entry = await table.open(query);
      return (socket) => table.view(entry, socket, query);
    });
    ctx.routes.describe(async () => (await import("./api.ts")).terminalsApi);
    ctx.announce({ capabilities: ["terminals"], limits: { maxTerminals: ctx.config.maxTerminals } });
  },
  /** Settings are read when a terminal starts, so open ones go on as they are. */
  reconfigure: (ctx, { maxTerminals }) => ctx.announce({ limits: { maxTerminals } }),
  checks: [{
    name: "terminals",
    summary: "Whether the kernel hands out terminals.",
    load: async () => (await import("./terminal_check.ts")).checkTerminals,
  }],
});
export default plugin;
