/**
 * Takes the audit log of the network jail and hands it to the control plane.
 *
 * @module
 */
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { startBoundaryLogs } from "./boundary_logs.ts";
import { boundarylogsConfig } from "./config.ts";

/** The audit log of the network jail, on its way from the workspace to the control plane. */
const boundarylogs: Plugin = definePlugin({
  id: "boundarylogs",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary: "Forward the audit log of boundary, the network jail.",
  config: boundarylogsConfig,
  permissions: { read: true, write: true, net: true, sys: ["uid", "umask"] },
  supported: (host) => host.os !== "windows" || { reason: "the jail's socket is a Unix socket" },
  setup: startBoundaryLogs,
});

export default boundarylogs;
