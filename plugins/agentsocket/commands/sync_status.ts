/**
 * `outpost sync status`.
 *
 * @module
 */
import { EXIT } from "../../../core/cli/exit_codes.ts";
import { parseFlags } from "../../../core/cli/flags.ts";
import { alignColumns } from "../../../core/cli/text_table.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import type { DependencyInfo, SyncStatusResponse } from "../../../core/proto/gen/agentsocket_pb.ts";
import { OUTPUT_FLAG, SOCKET_FLAG, withSyncClient } from "./sync_client.ts";
import { shownStatus } from "./unit_list.ts";

const HEADER = ["DEPENDS ON", "REQUIRED STATUS", "CURRENT STATUS", "SATISFIED"];

/** Shows a unit and what it waits for, sorted by name. */
export async function syncStatus(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "sync status", flags: [SOCKET_FLAG, OUTPUT_FLAG], words: [1, 1] });
  const unit = flags.words[0]!;
  const at = { path: flags.text("socket-path"), failure: "get status failed" };
  const answer = await withSyncClient(ctx, at, (client) => client.syncStatus({ unit }));
  const dependencies = answer.dependencies.toSorted((a, b) => a.dependsOn < b.dependsOn ? -1 : 1);
  const text = flags.text("output") === "json"
    ? asJson(unit, answer, dependencies)
    : asText(unit, answer, dependencies);
  await ctx.out(text);
  return EXIT.done;
}

function asJson(unit: string, answer: SyncStatusResponse, dependencies: readonly DependencyInfo[]): string {
  const body = {
    unit_name: unit,
    status: answer.status,
    is_ready: answer.isReady,
    dependencies: dependencies.map(({ dependsOn, requiredStatus, currentStatus, isSatisfied }) => ({
      depends_on: dependsOn,
      required_status: requiredStatus,
      current_status: currentStatus,
      is_satisfied: isSatisfied,
    })),
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}

function asText(unit: string, answer: SyncStatusResponse, dependencies: readonly DependencyInfo[]): string {
  const head = [`Unit: ${unit}`, `Status: ${shownStatus(answer.status)}`, `Ready: ${answer.isReady}`, ""];
  const rows = dependencies.map(({ dependsOn, requiredStatus, currentStatus, isSatisfied }) => [
    dependsOn,
    shownStatus(requiredStatus),
    shownStatus(currentStatus),
    String(isSatisfied),
  ]);
  const table = rows.length === 0 ? "No dependencies found\n" : alignColumns([HEADER, ...rows]);
  return `${[...head, "Dependencies:", ""].join("\n")}${table}`;
}
