/**
 * A real agent that is connected, for tests.
 *
 * @module
 */
import { join } from "@std/path";

import { type AgentProcess, startAgent } from "../../test/agent_process.ts";
import type { ControlPlane } from "./control_plane.ts";

/** Longest wait for the connection, in milliseconds: it only ends hangs. */
const HANG_MS = 120_000;

/** What {@linkcode connectAgent} takes. */
export interface ConnectedAgentOptions {
  /** The agent's token in the file of agents. */
  readonly token: string;
  /** Its name there. */
  readonly name: string;
  /** Its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Starts an agent, and resolves when the control plane shows it as connected. */
export async function connectAgent(
  plane: Pick<ControlPlane, "address" | "token">,
  { token, name, config = {} }: ConnectedAgentOptions,
): Promise<AgentProcess> {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "agent.jsonc");
  await Deno.writeTextFile(path, JSON.stringify(config));
  const agent = await startAgent({
    args: ["--config", path],
    env: { CODER_AGENT_URL: plane.address, CODER_AGENT_TOKEN: token },
  });
  await Deno.remove(dir, { recursive: true });
  const headers = { authorization: `Bearer ${plane.token}` };
  const events = await fetch(`${plane.address}/api/events`, { headers, signal: AbortSignal.timeout(HANG_MS) });
  for await (const _ of events.body!) {
    const response = await fetch(`${plane.address}/api/agents/${name}`, { headers });
    if ((await response.json()).connection === "connected") break;
  }
  return agent;
}
