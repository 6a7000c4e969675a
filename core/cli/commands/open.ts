/**
 * `outpost open`.
 *
 * @module
 */
import { OutpostClient } from "../../../client/mod.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";

/** Prints a one-time link. */
export async function open(ctx: CoreCommandContext): Promise<number> {
  const { url } = await new OutpostClient(await ctx.agent()).link();
  await ctx.out(`${url}\n`);
  await ctx.err("The link works once, within two minutes, in a browser on this machine.\n");
  return EXIT.done;
}
