/**
 * The client's key agent, as a socket in the workspace.
 *
 * @module
 */
import { join } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Logger, Tasks } from "../../core/plugin.ts";
import { openTemporaryDirectory } from "../../core/temporary_directory.ts";
import { closeSocket, joinStreams } from "./join_streams.ts";
import type { SshConnection } from "./transport/ssh_connection.ts";

/** A socket that leads to the client's key agent. */
export interface AgentForward extends AsyncDisposable {
  /** Value for `SSH_AUTH_SOCK`. */
  readonly path: string;
}

/**
 * Opens the socket in a directory of its own that only the user can enter.
 *
 * @throws {Error} When the directory or the socket cannot be made.
 */
export async function forwardAgent(connection: SshConnection, tasks: Tasks, log: Logger): Promise<AgentForward> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await openTemporaryDirectory("outpost-agent-"));
  const path = join(directory.path, "agent.sock");
  const listener = Deno.listen({ transport: "unix", path });
  opening.defer(() => closeSocket(listener));
  tasks.run("agent forward", () => accept(listener, connection, tasks, log));
  const opened = opening.move();
  return { path, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function accept(
  listener: Deno.UnixListener,
  connection: SshConnection,
  tasks: Tasks,
  log: Logger,
): Promise<void> {
  while (true) {
    let socket: Deno.UnixConn;
    try {
      socket = await listener.accept();
    } catch {
      return; // The session has ended.
    }
    tasks.run("agent connection", async (signal) => {
      try {
        await joinStreams(await connection.openAgent(), socket, signal);
      } catch (error) {
        log.debug("agent connection refused by the client", { error: messageOf(error) });
        closeSocket(socket);
      }
    });
  }
}
