/**
 * `outpost status`.
 *
 * @module
 */
import { format as formatDuration } from "@std/fmt/duration";

import type { AgentStatus } from "../../../client/gen/api.ts";
import { OutpostClient } from "../../../client/mod.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { alignColumns } from "../text_table.ts";

/** States of plugins that nobody has to look at. */
const QUIET_STATES = ["running", "disabled"];

/** Shows the running agent. Exit code 1 when it is not ready or a plugin has failed. */
export async function status({ agent, flags, out }: CoreCommandContext): Promise<number> {
  const found = await new OutpostClient(await agent()).status();
  await out(flags.has("json") ? `${JSON.stringify(found, null, 2)}\n` : describe(found));
  return found.ready && !found.plugins.some(({ state }) => state === "failed") ? EXIT.done : EXIT.failed;
}

function describe(found: AgentStatus): string {
  const running = found.plugins.filter(({ state }) => state === "running").map(({ id }) => id);
  const noted = found.plugins.filter(({ state }) => !QUIET_STATES.includes(state));
  return alignColumns([
    ["agent", `${found.name} ${found.version}, ${found.ready ? "ready" : "not ready"}`],
    ["process", `${found.pid}, up ${upTime(found.uptime_seconds)}, ${megabytes(found.memory_bytes)}`],
    ...Object.entries(found.addresses).toSorted().map(([name, address]) => [name, address]),
    ["control plane", controlPlane(found.control_plane)],
    ["running", running.join(", ") || "no plugin"],
    ...noted.map(({ id, state, reason }) => [state, reason === undefined ? id : `${id}: ${reason}`]),
  ]);
}

function controlPlane({ state, version, last_error: error }: AgentStatus["control_plane"]): string {
  if (state === "off") return "none configured";
  const details = [version && `agent API ${version}`, state !== "connected" && error].filter(Boolean);
  return details.length === 0 ? state : `${state} (${details.join("; ")})`;
}

function upTime(seconds: number): string {
  return formatDuration(Math.floor(seconds) * 1000, { ignoreZero: true }) || "less than a second";
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
