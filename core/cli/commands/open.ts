/**
 * `outpost open`.
 *
 * @module
 */
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { answerOf } from "../agent_answer.ts";

/** Prints a one-time link. */
export async function open(ctx: CoreCommandContext): Promise<number> {
  const agent = await ctx.agent();
  const response = await agent.fetch("/api/v0/auth/link", { method: "POST" });
  const { url } = await answerOf<{ readonly url: string }>(response);
  await ctx.out(`${url}\n`);
  await ctx.err("The link works once, within two minutes, in a browser on this machine.\n");
  return EXIT.done;
}
