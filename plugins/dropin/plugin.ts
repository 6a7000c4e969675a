/**
 * Wires the way to start and the listeners.
 *
 * @module
 */
import { definePlugin, optional, type Plugin } from "../../core/plugin.ts";
import { type Manifest, ManifestFeed } from "../controlplane/service.ts";
import { agentStart } from "./agent_start.ts";
import { dropinConfig } from "./config.ts";
import { debugRoutes } from "./debug_routes.ts";

/** Stands in for Coder's agent where a template starts it. */
const dropin: Plugin = definePlugin({
  id: "dropin",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary: "Start in the place of Coder's agent: its flags, variables and listeners.",
  enabledByDefault: false,
  config: dropinConfig,
  needs: { manifest: optional(ManifestFeed) },
  permissions: { read: true, net: true },
  starts: [agentStart],
  setup(ctx) {
    const { config, log, health, metrics } = ctx;
    /** A listener that cannot be had is no reason to be without an agent. */
    async function open(name: string, address: string, answer: (request: Request) => Promise<Response>): Promise<void> {
      if (address === "") return log.info(`${name} address is empty, disabling ${name} server`);
      try {
        ctx.announce({ addresses: { [name]: await ctx.socket.http(address, answer) } });
      } catch (error) {
        log.warn("listener not opened", {
          listener: name,
          address,
          error: error instanceof Error ? error : String(error),
        });
        health.degraded(`the ${name} listener could not be opened on ${address}`);
      }
    }
    let manifest: Manifest | undefined;
    const { manifest: feed } = ctx.services;
    if (feed !== undefined) {
      ctx.tasks.run("manifest", async (signal) => {
        for await (const latest of feed.watch(signal)) manifest = latest;
      });
    }
    ctx.hooks.onStart(async () => {
      const type = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
      await open(
        "prometheus",
        config.prometheusAddress,
        async () => new Response(await metrics.agentText(), { headers: type }),
      );
      await open("debug", config.debugAddress, debugRoutes(() => manifest, config.logFile));
    });
  },
});
export default dropin;
