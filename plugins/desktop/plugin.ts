/**
 * Wires the desktop to routes, metrics and the lifecycle.
 *
 * @module
 */
import { HttpProblem } from "../../core/errors.ts";
import { LoadedLate } from "../../core/loaded_late.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { desktopConfig } from "./config.ts";
import { desktopMetrics } from "./desktop_metrics.ts";
import type { DesktopDriver } from "./driver.ts";
import { chooseDriver, type DriverWork } from "./driver_choice.ts";
import { addDesktopRoutes, viewerRequestOf } from "./routes.ts";
import { desktopActions } from "./desktop_service.ts";
import { DesktopActions } from "./service.ts";
import { addViewerRoutes } from "./viewer/viewer_routes.ts";

/** Time an action may take beside what it is told to wait, in milliseconds: a start, a turn, a long text. */
const ACTION_MS = 120_000;
/** Room in a viewer's channel beside its queue, in bytes: a read that has begun, and what messages cost on top. */
const CHANNEL_MARGIN_BYTES = 1024 * 1024;

/** Makes the plugin. @param choose How it finds its driver; tests bring one of their own. */
export function desktopPlugin(choose: (work: DriverWork) => Promise<DesktopDriver> = chooseDriver): Plugin {
  return definePlugin({
    id: "desktop",
    version: "0.1.0",
    api: 1,
    stability: "beta",
    summary: "A desktop that agents see and use, and that people watch and take over in a browser.",
    config: desktopConfig,
    provides: [DesktopActions],
    permissions: { run: true, read: true, write: true, net: true },
    supported: (host) => host.os === "linux" || { reason: "desktops need Linux" },
    checks: [{
      name: "programs",
      summary: "Whether the programs are there that make a desktop",
      load: async () => (await import("./doctor_check.ts")).checkPrograms,
    }],
    setup(ctx) {
      const { config, clock, log, health, exec, env, tasks } = ctx;
      const metrics = desktopMetrics(ctx.metrics);
      const drained = new AbortController();
      // The answer to actions that are cut short, which is nobody's fault.
      const closed = new HttpProblem(503, "Cannot use the desktop: the agent stops", { code: "plugin_draining" });
      ctx.hooks.onDrain(() => drained.abort(closed));
      const signal = AbortSignal.any([ctx.signal, drained.signal]);
      // Nothing is looked for and nothing is started before somebody wants a desktop.
      const made = new LoadedLate(async () => {
        const { Desktop } = await import("./desktop.ts");
        return new Desktop({
          ...{ clock, log, health, exec, env, config, metrics, signal },
          chooseDriver: () => choose({ exec, env, clock, log, tasks, config }),
        });
      });
      const open = () => made.use();
      ctx.defer(async () => await (await made.present())?.close());
      metrics.running.collect(async () => (await made.present())?.running === undefined ? 0 : 1);
      metrics.viewers.collect(async () => (await made.present())?.viewers.length ?? 0);
      metrics.held.collect(async () => (await made.present())?.lease.state.holder === undefined ? 0 : 1);
      addDesktopRoutes(ctx.routes.app, { clock, signal, desktop: open });
      ctx.provide(DesktopActions, desktopActions(open, signal));
      addViewerRoutes(ctx.routes.app);
      ctx.routes.webSocket("/vnc", async (c) => {
        const request = viewerRequestOf(c);
        return await (await open()).openViewer(request);
      }, { maxQueuedBytes: config.viewerQueueBytes + CHANNEL_MARGIN_BYTES });
      ctx.routes.describe(async () => (await import("./api.ts")).desktopApi);
      ctx.routes.limit("/action", { handlerMs: config.maxDurationMs + ACTION_MS });
      if (config.shareDisplay) {
        ctx.env.contribute("desktop", async () => (await made.present())?.running?.environment ?? {});
      }
      ctx.announce({ capabilities: ["desktop", "desktop.lease"], limits: { maxViewers: config.maxViewers } });
    },
  });
}

/** Shows a desktop to people and lets agents use it. */
const desktop: Plugin = desktopPlugin();

export default desktop;
