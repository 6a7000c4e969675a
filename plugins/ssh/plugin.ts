/**
 * Wiring of the SSH plugin.
 *
 * @module
 */
import { definePlugin, optional, type OptionalNeed, type Plugin } from "../../core/plugin.ts";
import { BannerFeed, ConnectionReports, ManifestFeed } from "../controlplane/service.ts";
import { sshConfig } from "./config.ts";
import { SshTransport } from "./service.ts";
import { sshMetrics } from "./ssh_metrics.ts";

/** What the plugin takes from others when they are there. */
export type SshNeeds = {
  readonly manifest: OptionalNeed<ManifestFeed>;
  readonly banners: OptionalNeed<BannerFeed>;
  readonly reports: OptionalNeed<ConnectionReports>;
};

const needs: SshNeeds = {
  manifest: optional(ManifestFeed),
  banners: optional(BannerFeed),
  reports: optional(ConnectionReports),
};

/** The SSH plugin. */
const plugin: Plugin = definePlugin({
  id: "ssh",
  version: "1.0.0",
  api: 1,
  stability: "beta",
  summary: "Serves SSH: shells, commands, terminals, file transfer, forwarded ports and sockets.",
  enabledByDefault: false,
  config: sshConfig,
  needs,
  provides: [SshTransport],
  permissions: { read: true, write: true, net: true, run: true, sys: ["uid", "hostname"], env: true, ffi: true },
  supported: ({ os }) => os === "windows" ? { reason: "it needs Unix processes and terminals" } : true,
  setup(ctx) {
    const metrics = sshMetrics(ctx.metrics);
    const started = Promise.withResolvers<SshTransport>();
    let transport: SshTransport | undefined;
    ctx.provide(SshTransport, {
      serve: async (stream, peer) => await (await started.promise).serve(stream, peer),
      sessions: () => transport?.sessions() ?? { ssh: 0, vscode: 0 },
    });
    ctx.hooks.onStart(async () => {
      const { serve } = await import("./serve_ssh.ts");
      transport = await serve(ctx, metrics);
      started.resolve(transport);
    });
    const { maxConnections, maxChannels } = ctx.config;
    ctx.announce({ capabilities: ["ssh"], limits: { maxConnections, maxChannels } });
  },
});
export default plugin;
