/**
 * Connections from here to the client's side: `ssh -R`, for ports and for Unix sockets.
 *
 * @module
 */
import { dirname } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Logger, Tasks } from "../../core/plugin.ts";
import { acceptAll } from "../../core/socket/accept_all.ts";
import { closeSocket, joinStreams } from "./join_streams.ts";
import type { SshChannel } from "./transport/ssh_channel.ts";
import type { SshConnection } from "./transport/ssh_connection.ts";
import type { ForwardRequest } from "./transport/ssh_server.ts";

/** What forwards work with. */
export interface RemoteForwardsWork {
  readonly tasks: Tasks;
  readonly log: Logger;
  /** Whether the configuration refuses them now. */
  readonly isBlocked: () => boolean;
}

/** Any address: what an empty one stands for, RFC 4254 section 7.1. */
const ANY_ADDRESS = "0.0.0.0";

type Open = (socket: Deno.TcpConn | Deno.UnixConn) => Promise<SshChannel>;

/** Listeners that clients asked for. They end with their connection. */
export class RemoteForwards {
  readonly #work: RemoteForwardsWork;
  readonly #listeners = new Map<SshConnection, Map<string, Deno.Listener>>();

  constructor(work: RemoteForwardsWork) {
    this.#work = work;
  }

  /** Opens or closes a listener. Returns at once, never throws. */
  handle(connection: SshConnection, request: ForwardRequest): void {
    if (this.#work.isBlocked()) return request.fail();
    const own = this.#listenersOf(connection);
    const key = request.kind === "unix" ? `unix:${request.path}` : `tcp:${request.address}:${request.port}`;
    if (request.cancel) {
      this.#close(own, key);
      return request.succeed();
    }
    // Asked for a second time, the same socket is there already: a client that counts on it need not fail.
    if (request.kind === "unix" && own.has(key)) return request.succeed();
    this.#work.tasks.run("remote forward", () => this.#listen(connection, request, key));
  }

  async #listen(connection: SshConnection, request: ForwardRequest, key: string): Promise<void> {
    let listener: Deno.Listener;
    try {
      listener = request.kind === "unix"
        ? await listenUnix(request.path)
        : Deno.listen({ hostname: request.address || ANY_ADDRESS, port: request.port });
    } catch (error) {
      this.#work.log.info("remote forward refused", { target: key, error: messageOf(error) });
      return request.fail();
    }
    const own = this.#listeners.get(connection);
    if (own === undefined || connection.signal.aborted) return closeSocket(listener);
    const port = request.kind === "tcp" ? (listener.addr as Deno.NetAddr).port : 0;
    const bound = request.kind === "tcp" ? `tcp:${request.address}:${port}` : key;
    own.set(bound, listener);
    request.succeed(port);
    const open: Open = (socket) => {
      if (request.kind === "unix") return connection.openForwardedStreamlocal(request.path);
      const { hostname, port: from } = socket.remoteAddr as Deno.NetAddr;
      return connection.openForwardedTcp({ address: request.address, port }, { address: hostname, port: from });
    };
    // Ends when the forward is cancelled, or the connection is gone.
    await acceptAll(
      listener,
      (socket) => this.#join(socket as Deno.TcpConn | Deno.UnixConn, open),
      (error) =>
        this.#work.log.warn("forwarded connections cannot be accepted", { target: key, error: messageOf(error) }),
    );
    if (own.get(bound) === listener) own.delete(bound);
  }

  #join(socket: Deno.TcpConn | Deno.UnixConn, open: Open): void {
    this.#work.tasks.run("remote forward connection", async (signal) => {
      try {
        await joinStreams(await open(socket), socket, signal);
      } catch (error) {
        this.#work.log.debug("forwarded connection refused by the client", { error: messageOf(error) });
        closeSocket(socket);
      }
    });
  }

  #listenersOf(connection: SshConnection): Map<string, Deno.Listener> {
    const known = this.#listeners.get(connection);
    if (known !== undefined) return known;
    const own = new Map<string, Deno.Listener>();
    this.#listeners.set(connection, own);
    connection.signal.addEventListener("abort", () => {
      for (const key of [...own.keys()]) this.#close(own, key);
      this.#listeners.delete(connection);
    }, { once: true });
    return own;
  }

  #close(own: Map<string, Deno.Listener>, key: string): void {
    const listener = own.get(key);
    own.delete(key);
    if (listener !== undefined) closeSocket(listener);
  }
}

/** A missing directory is made for the user alone; what lies in the way is removed unless it is a directory. */
async function listenUnix(path: string): Promise<Deno.Listener> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const found = await Deno.lstat(path);
    if (found.isDirectory) throw new Error(`Cannot listen on "${path}": it is a directory`);
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const listener = Deno.listen({ transport: "unix", path });
  await Deno.chmod(path, 0o600);
  return listener;
}
