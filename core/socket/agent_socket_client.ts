/**
 * The calling side of the agent socket: what commands of plugins, and other programs of the workspace, use to call a service that a plugin
 * serves with `ctx.socket.service`.
 *
 * @module
 */
import { isAbsolute, join } from "@std/path";

import { defaultAgentSocketPath, pathFacts } from "../config/default_paths.ts";
import { messageOf } from "../errors.ts";
import type { ServiceClient, ServiceDescriptor, Variables } from "../plugin.ts";
import { connByteStream } from "../rpc/conn_byte_stream.ts";
import { DrpcClient } from "../rpc/drpc/client.ts";
import { typedClient } from "../rpc/typed_client.ts";

/** Where the agent socket is, and until when it is wanted. Every command's context has all of it. */
export interface AgentSocketPlace {
  readonly env: Variables;
  readonly cwd: string;
  /** Ends the connection, and every call on it. */
  readonly signal: AbortSignal;
  /** Path of the socket. Default: `CODER_AGENT_SOCKET_PATH`, or the usual place. */
  readonly path?: string;
}

/**
 * Connects, runs `work` with a typed client of `service`, and hangs up.
 *
 * @throws {Error} When nobody answers at the socket, and what `work` throws.
 * @throws {RpcError} From calls that the other side answers with an error.
 *
 * @example
 * const { text } = await withAgentSocket(Greeter, ctx, (greeter) => greeter.greet({ name: "Ada" }));
 */
export async function withAgentSocket<S extends ServiceDescriptor, T>(
  service: S,
  { env, cwd, signal, path }: AgentSocketPlace,
  work: (client: ServiceClient<S>) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  using connection = new DrpcClient(connByteStream(await connect(path ?? defaultAgentSocketPath(pathFacts(env)), cwd)));
  const hangUp = () => connection.close();
  signal.addEventListener("abort", hangUp, { once: true });
  try {
    return await work(typedClient(service, () => connection));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", hangUp);
  }
}

async function connect(path: string | null, cwd: string): Promise<Deno.Conn> {
  if (path === null) {
    throw new Error("connect to agent socket: it is switched off by CODER_AGENT_SOCKET_SERVER_ENABLED");
  }
  try {
    return await Deno.connect({ transport: "unix", path: isAbsolute(path) ? path : join(cwd, path) });
  } catch (error) {
    throw new Error(`connect to agent socket: ${path}: ${messageOf(error)}`, { cause: error });
  }
}
