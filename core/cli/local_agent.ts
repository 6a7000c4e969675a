/**
 * The agent of this workspace, reached over its Unix socket: no token to copy.
 *
 * @module
 */
import { resolve } from "@std/path";

import { defaultSocketPath, pathFacts } from "../config/default_paths.ts";
import { AgentNotFoundError } from "../errors.ts";
import type { LocalAgent, Variables } from "../plugin.ts";

/** Where to look for the agent. */
export interface FindAgentOptions {
  readonly env: Variables;
  /** Absolute. */
  readonly cwd: string;
  /** Path of the socket; wins over `OUTPOST_SOCKET`, which wins over the default. */
  readonly unix?: string;
}
/** A connection to the agent that gives back its sockets when disposed. */
export interface LocalAgentClient extends LocalAgent, Disposable {}

/**
 * Finds the running agent.
 *
 * @throws {AgentNotFoundError} When nobody answers on the socket.
 */
export async function findAgent(options: FindAgentOptions): Promise<LocalAgentClient> {
  const path = socketPath(options);
  if (!await isAnswered(path)) throw new AgentNotFoundError([path]);
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  return {
    socketPath: path,
    // The host part is only for the Host header; the socket decides who is asked.
    fetch: (target, init) => fetch(`http://localhost${target}`, { ...init, client }),
    [Symbol.dispose]: () => client.close(),
  };
}

/** The one socket that is looked at: the nearest thing that was said about it. */
export function socketPath({ env, cwd, unix }: FindAgentOptions): string {
  const named = unix ?? env.OUTPOST_SOCKET;
  return named ? resolve(cwd, named) : defaultSocketPath(pathFacts(env));
}

/** Whether somebody accepts connections on a Unix socket. A file left behind by a killed agent does not count. */
export async function isAnswered(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch {
    return false; // missing, stale or closed to this user: for all of them there is no agent to talk to
  }
}
