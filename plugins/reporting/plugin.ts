/**
 * Wires what is reported again and again to the connection, and the list of ports to its route.
 *
 * @module
 */
import { definePlugin, optional, type Plugin } from "../../core/plugin.ts";
import { ManifestFeed } from "../controlplane/service.ts";
import { SshTransport } from "../ssh/service.ts";
import { TerminalViewers } from "../terminals/service.ts";
import { reportingConfig } from "./config.ts";
import { PortCache, scanListeningPorts } from "./listening_ports.ts";
import { runMetadataCommand } from "./metadata_command.ts";
import { ReportOutcomes } from "./report_outcomes.ts";
import { reportingMetrics } from "./reporting_metrics.ts";
import { addPortRoute } from "./routes.ts";
import { scriptUser } from "./script_user.ts";
import { StatsCollector } from "./stats_collector.ts";

/** Reports statistics, metadata, app health and resources, and lists ports. */
const reporting: Plugin = definePlugin({
  id: "reporting",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary:
    "Reports statistics, metadata, app health and resource usage to the control plane, and lists listening ports.",
  mount: ["listening-ports"],
  config: reportingConfig,
  needs: {
    manifests: optional(ManifestFeed),
    ssh: optional(SshTransport),
    terminals: optional(TerminalViewers),
  },
  permissions: { read: true, run: true, net: true, sys: ["uid", "systemMemoryInfo"] },
  supported: (host) => host.os !== "windows" || { reason: "process groups need a Unix system" },
  setup(ctx) {
    const { config, clock, log, exec, env, services, host } = ctx;
    const metrics = reportingMetrics(ctx.metrics);
    const user = async () => await scriptUser(await env.build());
    const parts = {
      ...{ config, clock, log, manifests: services.manifests },
      outcomes: new ReportOutcomes(metrics.reports, ctx.health),
      stats: new StatsCollector({
        ssh: services.ssh,
        terminals: services.terminals,
        gather: () => ctx.metrics.gather(),
        maxMetrics: config.stats.maxMetrics,
      }),
      collect: metrics.counted((command, signal) =>
        runMetadataCommand(
          command,
          { exec, clock, user, maxOutputBytes: config.metadata.maxOutputBytes },
          signal,
        )
      ),
    };

    // The routines bring protobuf with them; an agent on its own never loads it.
    for (const name of ["reportStats", "reportMetadata", "reportAppHealth", "monitorResources"] as const) {
      ctx.rpc.whileConnected(name, async (rpc, signal) => {
        const routines = await import("./routines.ts");
        await routines[name](rpc, signal, parts);
      });
    }

    const { includeIpv6, cacheMs } = config.ports;
    const cache = new PortCache({ clock, cacheMs, scan: () => scanListeningPorts({ includeIpv6 }) });
    const scanned = (outcome: "ok" | "failed") => metrics.portScans.inc({ outcome });
    addPortRoute(ctx.routes.app, { host, settings: config.ports, cache, scanned });
    ctx.routes.describe(async () => (await import("./api.ts")).reportingApi);
    ctx.announce({ capabilities: ["listening-ports"] });
  },
});
export default reporting;
