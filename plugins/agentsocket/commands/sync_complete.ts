/**
 * `outpost sync complete`.
 *
 * @module
 */
import { EXIT } from "../../../core/cli/exit_codes.ts";
import { parseFlags } from "../../../core/cli/flags.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import { SOCKET_FLAG, withSyncClient } from "./sync_client.ts";

/** Marks a unit as completed. */
export async function syncComplete(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "sync complete", flags: [SOCKET_FLAG], words: [1, 1] });
  const at = { path: flags.text("socket-path"), failure: "complete unit failed" };
  await withSyncClient(ctx, at, (client) => client.syncComplete({ unit: flags.words[0]! }));
  await ctx.out("Success\n");
  return EXIT.done;
}
