/**
 * Wiring of the SSH plugin.
 *
 * @module
 */
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { isBefore } from "../../core/version_order.ts";
import { sshCommands } from "./commands/mod.ts";
import { sshConfig } from "./config.ts";
import { addSshRoutes } from "./routes.ts";
import type { RunningSsh } from "./serve_ssh.ts";
import { SshTransport, X11Requests } from "./service.ts";
import { sshMetrics } from "./ssh_metrics.ts";
import { sshNeeds } from "./ssh_needs.ts";
import { X11Handover } from "./x11_handover.ts";

/** Oldest version it is tested with. 2.4 has no ChaCha20, and there the first terminal ends the whole agent. */
const OLDEST_DENO = "2.9.0";

/** The SSH plugin. */
const plugin: Plugin = definePlugin({
  id: "ssh",
  version: "1.0.0",
  api: 1,
  stability: "beta",
  summary: "Serves SSH: shells, commands, terminals, file transfer, forwarded ports and sockets.",
  enabledByDefault: false,
  config: sshConfig,
  needs: sshNeeds,
  provides: [SshTransport, X11Requests],
  permissions: { read: true, write: true, net: true, run: true, sys: ["uid", "hostname"], env: true, ffi: true },
  supported({ os, denoVersion }) {
    if (os === "windows") return { reason: "it needs Unix processes and terminals" };
    if (isBefore(denoVersion, OLDEST_DENO)) {
      return { reason: `it needs ciphers and terminals as Deno ${OLDEST_DENO} has them, this is ${denoVersion}` };
    }
    return true;
  },
  setup(ctx) {
    const metrics = sshMetrics(ctx.metrics);
    const started = Promise.withResolvers<RunningSsh>();
    let running: RunningSsh | undefined;
    const transport: SshTransport = {
      serve: async (stream, peer) => await (await started.promise).serve(stream, peer),
      sessions: () => running?.sessions() ?? { ssh: 0, vscode: 0, jetbrains: 0 },
      connections: () => running?.connections() ?? 0,
      traffic: () => running?.traffic() ?? { received: 0, sent: 0 },
    };
    const x11 = new X11Handover(ctx.clock);
    ctx.provide(SshTransport, transport);
    ctx.provide(X11Requests, x11);
    addSshRoutes(ctx.routes, { transport, hostKey: async () => await (await started.promise).hostKey() });
    ctx.routes.describe(async () => (await import("./api.ts")).sshApi);
    ctx.hooks.onStart(async () => {
      const { serve } = await import("./serve_ssh.ts");
      running = await serve(ctx, metrics, x11);
      started.resolve(running);
    });
    const { maxConnections, maxChannels } = ctx.config;
    ctx.announce({ capabilities: ["ssh"], limits: { maxConnections, maxChannels } });
  },
  commands: sshCommands,
  /** Sessions go on; what is new follows the new settings. Another listener or host key needs another life. */
  reconfigure(ctx, next) {
    const { config } = ctx;
    if (BUILT_IN_AT_START.some((setting) => config[setting] !== next[setting])) return "restart";
    const { maxConnections, maxChannels } = next;
    ctx.announce({ limits: { maxConnections, maxChannels } });
  },
});

/** What a running server cannot change. */
const BUILT_IN_AT_START = ["listen", "unix", "hostKeyFile", "maxTimeoutMs"] as const;
export default plugin;
