/**
 * Wiring of the X11 plugin.
 *
 * @module
 */
import { definePlugin, type Plugin, type ServiceToken } from "../../core/plugin.ts";
import { X11Requests } from "../ssh/service.ts";
import { x11Config } from "./config.ts";
import type { DisplayTable } from "./display_table.ts";
import { x11Metrics } from "./x11_metrics.ts";

const needs: { readonly requests: ServiceToken<X11Requests> } = { requests: X11Requests };

/** The X11 plugin. */
const plugin: Plugin = definePlugin({
  id: "x11",
  version: "1.0.0",
  api: 1,
  stability: "beta",
  summary: "Shows graphical programs of the workspace on the screen of the SSH client (ssh -X, ssh -Y).",
  config: x11Config,
  needs,
  permissions: { read: true, write: true, net: ["127.0.0.1", "[::1]"], sys: ["hostname"] },
  async setup(ctx) {
    const { config, clock, log, tasks, env, health, services } = ctx;
    // Needs the SSH server, which most agents have switched off.
    const { DisplayTable } = await import("./display_table.ts");
    const table: DisplayTable = new DisplayTable({
      ...{ config, clock, log, tasks, env, health },
      metrics: x11Metrics(ctx.metrics, () => table.counts),
      hostname: () => Deno.hostname(),
    });
    ctx.defer(services.requests.take(table));
    ctx.announce({ capabilities: ["x11"], limits: { maxConnections: config.maxConnections } });
  },
});
export default plugin;
