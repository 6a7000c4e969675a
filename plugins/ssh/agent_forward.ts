/**
 * The client's key agent, as a socket in the workspace.
 *
 * @module
 */
import { join } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, Tasks } from "../../core/plugin.ts";
import { acceptAll } from "../../core/socket/accept_all.ts";
import { LostFiles } from "../../core/socket/lost_files.ts";
import { bindPrivately, prepareSocketPath } from "../../core/socket/unix_path.ts";
import { openTemporaryDirectory } from "../../core/temporary_directory.ts";
import { closeSocket, joinStreams } from "./join_streams.ts";
import type { SshConnection } from "./transport/ssh_connection.ts";

/** A socket that leads to the client's key agent. */
export interface AgentForward extends AsyncDisposable {
  /** Value for `SSH_AUTH_SOCK`. */
  readonly path: string;
}

/** What the forward works with. */
export interface AgentForwardWork {
  readonly clock: Clock;
  readonly tasks: Tasks;
  readonly log: Logger;
}

/**
 * Opens the socket in a directory of its own that only the user can enter. It comes back when somebody tidies it away.
 *
 * @throws {Error} When the directory or the socket cannot be made.
 */
export async function forwardAgent(connection: SshConnection, work: AgentForwardWork): Promise<AgentForward> {
  const { tasks, log } = work;
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await openTemporaryDirectory("outpost-agent-"));
  const path = join(directory.path, "agent.sock");
  const failed = (error: unknown) => log.warn("agent connections cannot be accepted", { error: messageOf(error) });
  // Those whose file was removed stay open, deaf, until the end: the runtime removes what is at the path when it closes one.
  const listeners: Deno.UnixListener[] = [];
  opening.defer(() => listeners.forEach(closeSocket));
  async function listen(): Promise<void> {
    await prepareSocketPath(path);
    const listener = bindPrivately(path, () => Deno.listen({ transport: "unix", path }));
    listeners.push(listener);
    tasks.run("agent forward", () => acceptAll(listener, (socket) => carry(socket, connection, work), failed));
  }
  await listen();
  opening.use(new LostFiles({ log })).watch(path, listen);
  const opened = opening.move();
  return { path, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function carry(socket: Deno.UnixConn, connection: SshConnection, { clock, tasks, log }: AgentForwardWork): void {
  tasks.run("agent connection", async (signal) => {
    try {
      await joinStreams(await connection.openAgent(), socket, { clock, stop: signal });
    } catch (error) {
      log.debug("agent connection refused by the client", { error: messageOf(error) });
      closeSocket(socket);
    }
  });
}
