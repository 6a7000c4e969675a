/**
 * The commands of this plugin, as a table. Each is loaded when used.
 *
 * @module
 */
import type { CommandSpec } from "../../../core/plugin.ts";

const WAY = "[--unix PATH | --control-plane URL --agent NAME [--token-file FILE]]";

/** `outpost ssh-proxy` and `outpost ssh-config`. */
export const sshCommands: readonly CommandSpec[] = [
  {
    name: "ssh-proxy",
    summary: "Carry one SSH connection on standard input and output; made for ProxyCommand of ssh.",
    usage: WAY,
    load: async () => (await import("./ssh_proxy.ts")).sshProxy,
  },
  {
    name: "ssh-config",
    summary: "Write the agent into an ssh configuration, so that plain `ssh outpost` finds it.",
    usage: `[--host NAME] [--file PATH] [--dry-run] [--remove] ${WAY}`,
    load: async () => (await import("./ssh_config.ts")).sshConfig,
  },
];
