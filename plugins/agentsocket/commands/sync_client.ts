/**
 * A connection of a command to the agent socket.
 *
 * @module
 */
import { resolve } from "@std/path";

import type { FlagSpec } from "../../../core/cli/flags.ts";
import { defaultAgentSocketPath, pathFacts } from "../../../core/config/default_paths.ts";
import { messageOf } from "../../../core/errors.ts";
import type { CommandContext, ServiceClient } from "../../../core/plugin.ts";
import { AgentSocket } from "../../../core/proto/gen/agentsocket_pb.ts";
import { connByteStream } from "../../../core/rpc/conn_byte_stream.ts";
import { DrpcClient } from "../../../core/rpc/drpc/client.ts";
import { typedClient } from "../../../core/rpc/typed_client.ts";

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
  ctx.signal.throwIfAborted();
  using connection = new DrpcClient(connByteStream(await connect(ctx, path)));
  const hangUp = () => connection.close();
  ctx.signal.addEventListener("abort", hangUp, { once: true });
  try {
    return await work(typedClient(AgentSocket, () => connection));
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw new Error(`${failure}: ${messageOf(error)}`, { cause: error });
  } finally {
    ctx.signal.removeEventListener("abort", hangUp);
  }
}

async function connect(
  { env, cwd }: Pick<CommandContext, "env" | "cwd">,
  named: string | undefined,
): Promise<Deno.Conn> {
  const path = named ?? defaultAgentSocketPath(pathFacts(env));
  if (path === null) {
    throw new Error("connect to agent socket: it is switched off by CODER_AGENT_SOCKET_SERVER_ENABLED");
  }
  try {
    return await Deno.connect({ transport: "unix", path: resolve(cwd, path) });
  } catch (error) {
    throw new Error(`connect to agent socket: ${path}: ${messageOf(error)}`, { cause: error });
  }
}
