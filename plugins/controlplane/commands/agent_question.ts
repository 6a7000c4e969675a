/**
 * Asks the running agent on behalf of git: the agent has the token of the control plane, and keeps it.
 *
 * @module
 */
import type { ProblemBody } from "../../../core/errors.ts";
import type { CommandContext } from "../../../core/plugin.ts";

/** What the agent answered instead; its message is for people. */
export class AgentRefusal extends Error {
  override readonly name = "AgentRefusal";

  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/**
 * The JSON answer to `GET path`.
 *
 * @throws {AgentRefusal} When the answer is an error.
 * @throws {AgentNotFoundError} When no agent runs.
 */
export async function askAgent<T>(ctx: Pick<CommandContext, "agent" | "signal">, path: string): Promise<T> {
  const agent = await ctx.agent();
  const response = await agent.fetch(`/api/v0/controlplane${path}`, { signal: ctx.signal });
  if (response.ok) return await response.json() as T;
  const { message = `the agent answers ${response.status}`, detail } = await problemOf(response);
  throw new AgentRefusal(response.status, detail ? `${message}: ${detail}` : message);
}

async function problemOf(response: Response): Promise<Partial<ProblemBody>> {
  try {
    return await response.json() as Partial<ProblemBody>;
  } catch {
    return {}; // Not the agent's own words; the status has to do.
  }
}
