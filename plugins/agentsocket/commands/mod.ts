/**
 * The commands of this plugin, as a table. Each is loaded when used.
 *
 * @module
 */
import type { CommandSpec } from "../../../core/plugin.ts";

const SOCKET = "[--socket-path PATH]";

/** `outpost sync …`. */
export const syncCommands: readonly CommandSpec[] = [
  {
    name: "sync ping",
    summary: "Ask the agent socket whether it answers.",
    usage: SOCKET,
    load: async () => (await import("./sync_ping.ts")).syncPing,
  },
  {
    name: "sync start",
    summary: "Wait until everything a unit depends on is completed, then mark the unit as started.",
    usage: `UNIT [--timeout 5m] ${SOCKET}`,
    load: async () => (await import("./sync_start.ts")).syncStart,
  },
  {
    name: "sync want",
    summary: "Say that a unit may start only after others are completed.",
    usage: `UNIT DEPENDENCY… ${SOCKET}`,
    load: async () => (await import("./sync_want.ts")).syncWant,
  },
  {
    name: "sync complete",
    summary: "Mark a unit as completed.",
    usage: `UNIT ${SOCKET}`,
    load: async () => (await import("./sync_complete.ts")).syncComplete,
  },
  {
    name: "sync status",
    summary: "Show how a unit stands and what it waits for.",
    usage: `UNIT [--output table|json] ${SOCKET}`,
    load: async () => (await import("./sync_status.ts")).syncStatus,
  },
  {
    name: "sync list",
    summary: "List all units.",
    usage: `[--output table|json] ${SOCKET}`,
    load: async () => (await import("./sync_list.ts")).syncList,
  },
];
