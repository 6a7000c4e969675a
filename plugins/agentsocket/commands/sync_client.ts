/**
 * A connection of a command to the agent socket.
 *
 * @module
 */
import type { FlagSpec } from "../../../core/cli/flags.ts";
import { messageOf } from "../../../core/errors.ts";
import type { CommandContext, ServiceClient } from "../../../core/plugin.ts";
import { AgentSocket } from "../../../core/proto/gen/agentsocket_pb.ts";
import { withAgentSocket } from "../../../core/socket/agent_socket_client.ts";

/** The flag every command has. */
export const SOCKET_FLAG: FlagSpec = {
  name: "socket-path",
  value: "PATH",
  summary: "Path of the agent socket. Default: CODER_AGENT_SOCKET_PATH, or the usual place.",
};
/** The flag of commands that show something. */
export const OUTPUT_FLAG: FlagSpec = {
  name: "output",
  value: "FORMAT",
  choices: ["table", "json"],
  summary: "How to show it. Default: table.",
};

/** The calls of the agent socket. */
export type SyncClient = ServiceClient<typeof AgentSocket>;

/**
 * Connects, runs `work` and hangs up. A call that fails is reported with `failure` in front.
 *
 * @throws {Error} When nobody answers at the socket, or a call fails.
 */
export async function withSyncClient<T>(
  ctx: Pick<CommandContext, "env" | "cwd" | "signal">,
  { path, failure }: { readonly path: string | undefined; readonly failure: string },
  work: (client: SyncClient) => Promise<T>,
): Promise<T> {
  return await withAgentSocket(AgentSocket, { ...ctx, path }, async (client) => {
    try {
      return await work(client);
    } catch (error) {
      ctx.signal.throwIfAborted();
      throw new Error(`${failure}: ${messageOf(error)}`, { cause: error });
    }
  });
}
