/**
 * `outpost sync ping`.
 *
 * @module
 */
import { EXIT } from "../../../core/cli/exit_codes.ts";
import { parseFlags } from "../../../core/cli/flags.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import { SOCKET_FLAG, withSyncClient } from "./sync_client.ts";

/** Asks the agent socket whether it answers. */
export async function syncPing(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, { command: "sync ping", flags: [SOCKET_FLAG], words: [0, 0] });
  const at = { path: flags.text("socket-path"), failure: "ping failed" };
  await withSyncClient(ctx, at, (client) => client.ping({}));
  await ctx.out("Success\n");
  return EXIT.done;
}
