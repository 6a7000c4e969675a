/**
 * `outpost gitaskpass`: what `GIT_ASKPASS` of the workspace leads to.
 *
 * @module
 */
import { systemClock } from "../../../core/clock.ts";
import { EXIT } from "../../../core/cli/exit_codes.ts";
import { messageOf } from "../../../core/errors.ts";
import type { Clock, CommandContext } from "../../../core/plugin.ts";
import type { ExternalAuth } from "../api.ts";
import { AgentRefusal, askAgent } from "./agent_question.ts";
import { readPrompt } from "./askpass_prompt.ts";

/** Pauses between two waits for a person to sign in, in milliseconds: a wait ends early when something on the way cuts it. */
const PAUSES_MS = [250, 500, 1000, 2000, 5000, 10_000] as const;

/**
 * Prints what git asked for. Where a person has to sign in first, it says where, and waits.
 *
 * Ends with 1 when there is no answer: git then asks its user. `clock` is for tests.
 */
export async function gitaskpass(ctx: CommandContext, clock: Clock = systemClock): Promise<number> {
  const [prompt, ...rest] = ctx.args;
  if (prompt === undefined || rest.length > 0) {
    await ctx.err(
      "This command is for git, which passes on one question: set GIT_ASKPASS to the path of this program\n",
    );
    return EXIT.usage;
  }
  try {
    const { user, address } = readPrompt(prompt);
    let auth = await ask(ctx, address);
    if (auth.url !== "") {
      await ctx.err(`Open this address to let the workspace use your account at ${address}:\n\n  ${auth.url}\n\n`);
      auth = await signedIn(ctx, address, clock);
      await ctx.err("Thank you, the account is connected.\n");
    }
    await ctx.out(`${answerOf(auth, user)}\n`);
    return EXIT.done;
  } catch (error) {
    ctx.signal.throwIfAborted();
    await ctx.err(`The control plane has no answer for git, which goes on by itself: ${messageOf(error)}\n`);
    return EXIT.failed;
  }
}

/** A provider that takes a token alone has it in the place of the user name. */
function answerOf({ username, password }: ExternalAuth, user: string): string {
  return user !== "" && password !== "" ? password : username;
}

function ask(ctx: CommandContext, address: string, listen = false): Promise<ExternalAuth> {
  const query = new URLSearchParams({ match: address });
  if (listen) query.set("listen", "true");
  // Tells the control plane which chat works with the repository.
  if (ctx.env.CODER_CHAT_ID) query.set("chat_id", ctx.env.CODER_CHAT_ID);
  return askAgent<ExternalAuth>(ctx, `/external-auth?${query}`);
}

async function signedIn(ctx: CommandContext, address: string, clock: Clock): Promise<ExternalAuth> {
  for (let attempt = 0;; attempt++) {
    try {
      const auth = await ask(ctx, address, true);
      if (auth.url === "") return auth;
    } catch (error) {
      // The provider is gone, or the agent: neither comes from waiting longer.
      if (!(error instanceof AgentRefusal) || error.status === 404) throw error;
    }
    ctx.signal.throwIfAborted();
    await clock.sleep(PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]!, ctx.signal);
  }
}
