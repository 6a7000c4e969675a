/** A plugin that uses what crosses to a program of its own, importable and attachable alike. */
import { z } from "zod";

import { definePlugin, defineService, optional, type Plugin } from "../../plugin.ts";
import { serveAttached } from "../mod.ts";

const Missing = defineService<{ readonly x: number }>("nobody/service");

const whole: Plugin = definePlugin({
  id: "whole",
  version: "2.3.4",
  api: 1,
  stability: "beta",
  summary: "Uses what crosses.",
  mount: "entire",
  needs: { missing: optional(Missing) },
  permissions: { env: ["WHOLE_TEST"], read: true, run: true },
  config: z.strictObject({
    size: z.number().int().min(1).default(5).describe("Size."),
    key: z.string().meta({ secret: true }).optional().describe("Secret."),
  }),
  setup(ctx) {
    const seen = ctx.metrics.counter("seen_total", { help: "Requests seen; a rise means use." });
    ctx.metrics.gauge("exact", { help: "Named by somebody else's dashboards.", exactName: "whole_exact" }).set(4);
    ctx.announce({ capabilities: ["whole.use"] });
    ctx.env.contribute("whole", (base) => ({ WHOLE: `from ${base.HOME ?? "nowhere"}` }));
    ctx.routes.app.get("/", (c) => {
      seen.inc();
      return c.json({
        config: ctx.config,
        missing: ctx.services.missing === undefined,
        host: ctx.host.agentVersion,
        isAlone: !ctx.rpc.isConfigured,
      });
    });
    ctx.routes.app.get("/denied", async (c) => {
      try {
        await Deno.writeTextFile("/tmp/outpost-attached-must-not-write", "");
        return c.text("wrote it");
      } catch (error) {
        return c.text((error as Error).name);
      }
    });
    ctx.routes.app.get("/child", async (c) => {
      const child = await ctx.exec.spawn({
        command: ["/bin/sh", "-c", "echo $WHOLE $OWN"],
        env: { overrides: { OWN: "own" } },
      });
      return c.text(await new Response(child.output).text());
    });
    ctx.routes.app.post("/health", async (c) => {
      const reason = await c.req.text();
      if (reason === "") ctx.health.ok();
      else ctx.health.degraded(reason);
      return c.body(null, 204);
    });
    ctx.routes.app.post("/throw", () => {
      throw new Error("thrown in a route");
    });
    ctx.routes.app.post("/float", (c) => {
      void Promise.reject(new Error("floating"));
      return c.body(null, 204);
    });
    ctx.routes.limit("/small", { maxBodyBytes: 10 });
    ctx.routes.app.post("/small", async (c) => c.text(await c.req.text()));
    ctx.routes.webSocket("/talk", (c) =>
      c.req.query("no") === undefined
        ? async (socket) => {
          for await (const message of socket) await socket.send(message);
        }
        : c.text("not today", 418));
    ctx.hooks.onStart(() => ctx.log.info("started here"));
    ctx.hooks.onReady(() => ctx.log.info("ready here"));
    ctx.hooks.onDrain(() => ctx.log.info("drained here"), { deadlineMs: 1234 });
    ctx.hooks.onShutdown(() => ctx.log.info("shut down here"));
  },
});
export default whole;

if (import.meta.main) await serveAttached(whole);
