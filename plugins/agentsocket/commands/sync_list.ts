/**
 * `outpost sync list`.
 *
 * @module
 */
import { EXIT } from "../../../core/cli/exit_codes.ts";
import { parseFlags } from "../../../core/cli/flags.ts";
import { alignColumns } from "../../../core/cli/text_table.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import { OUTPUT_FLAG, SOCKET_FLAG, withSyncClient } from "./sync_client.ts";
import { shownStatus } from "./unit_list.ts";

/** Lists all units, sorted by name. */
export async function syncList(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "sync list", flags: [SOCKET_FLAG, OUTPUT_FLAG], words: [0, 0] });
  const at = { path: flags.text("socket-path"), failure: "list units failed" };
  const answer = await withSyncClient(ctx, at, (client) => client.syncList({}));
  const units = answer.units.toSorted((a, b) => a.unit < b.unit ? -1 : 1);
  if (flags.text("output") === "json") {
    const rows = units.map(({ unit, status, isReady }) => ({ unit_name: unit, status, is_ready: isReady }));
    await ctx.out(`${JSON.stringify(rows, null, 2)}\n`);
  } else if (units.length === 0) {
    await ctx.out("No units registered\n");
  } else {
    const rows = units.map(({ unit, status, isReady }) => [unit, shownStatus(status), String(isReady)]);
    await ctx.out(alignColumns([["UNIT", "STATUS", "READY"], ...rows]));
  }
  return EXIT.done;
}
