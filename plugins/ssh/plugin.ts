/**
 * Wiring of the SSH plugin.
 *
 * @module
 */
import { definePlugin, optional, type Plugin } from "../../core/plugin.ts";
import { sshConfig } from "./config.ts";
import { ConnectionReports, SshTransport, WorkspaceFacts } from "./service.ts";

/** What the plugin asks of others. */
export const needs = { facts: optional(WorkspaceFacts), reports: optional(ConnectionReports) } as const;

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
  async setup(ctx) {
    (await import("./serve_ssh.ts")).serveSsh(ctx);
  },
});
export default plugin;
