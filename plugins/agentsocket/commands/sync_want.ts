/**
 * `outpost sync want`.
 *
 * @module
 */
import { EXIT } from "../../../core/cli/exit_codes.ts";
import { parseFlags } from "../../../core/cli/flags.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import { SOCKET_FLAG, withSyncClient } from "./sync_client.ts";
import { unitList } from "./unit_list.ts";

/** Most dependencies of one command line. */
const MAX_DEPENDENCIES = 10_000;

/** Declares the dependencies of a unit, one call each. */
export async function syncWant(ctx: CommandContext): Promise<number> {
  const flags = parseFlags(ctx.args, {
    command: "sync want",
    flags: [SOCKET_FLAG],
    words: [2, MAX_DEPENDENCIES + 1],
  });
  const [unit, ...dependencies] = flags.words as [string, ...string[]];
  const at = { path: flags.text("socket-path"), failure: "declare dependency failed" };
  await withSyncClient(ctx, at, async (client) => {
    for (const dependsOn of dependencies) await client.syncWant({ unit, dependsOn });
  });
  await ctx.out(`Unit ${JSON.stringify(unit)} declared dependencies: ${unitList(dependencies)}\n`);
  return EXIT.done;
}
