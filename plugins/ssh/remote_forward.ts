/**
 * Connections from here to the client's side: `ssh -R`, for ports and for Unix sockets.
 *
 * @module
 */
import { dirname } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, Tasks } from "../../core/plugin.ts";
import { acceptAll } from "../../core/socket/accept_all.ts";
import { bindPatiently } from "../../core/socket/bind_patiently.ts";
import { bindPrivately } from "../../core/socket/unix_path.ts";
import { closeSocket, joinStreams } from "./join_streams.ts";
import type { SshChannel } from "./transport/ssh_channel.ts";
import type { SshConnection } from "./transport/ssh_connection.ts";
import type { ForwardRequest } from "./transport/ssh_server.ts";

/** What forwards work with. */
export interface RemoteForwardsWork {
  readonly clock: Clock;
  readonly tasks: Tasks;
  readonly log: Logger;
  /** Whether the configuration refuses them now. */
  readonly isBlocked: () => boolean;
}

/** Any address: what an empty one stands for, RFC 4254 section 7.1. */
const ANY_ADDRESS = "0.0.0.0";

/** The runtime's type is narrower: it knows only one kind of each listener. */
type Accepting = { accept(): Promise<Socket> };
type Socket = Deno.TcpConn | Deno.UnixConn;
type Open = (socket: Socket) => Promise<SshChannel>;

/** What one connection asked for. */
interface Forwards {
  readonly listeners: Map<string, Deno.Listener>;
  /** Requests take turns: one that ends a listener must find it, and two for one path must not both make it. */
  turn: Promise<void>;
}

/** Listeners that clients asked for. They end with their connection. */
export class RemoteForwards {
  readonly #work: RemoteForwardsWork;
  readonly #forwards = new Map<SshConnection, Forwards>();

  constructor(work: RemoteForwardsWork) {
    this.#work = work;
  }

  /** Opens or closes a listener. Returns at once, never throws. */
  handle(connection: SshConnection, request: ForwardRequest): void {
    if (this.#work.isBlocked()) return request.fail();
    const own = this.#forwardsOf(connection);
    own.turn = own.turn.then(() => this.#answer(connection, request, own.listeners)).catch((error) => {
      this.#work.log.debug("remote forward not answered", { error: messageOf(error) });
    });
  }

  /** @throws {Error} When the connection ends meanwhile. */
  async #answer(
    connection: SshConnection,
    request: ForwardRequest,
    listeners: Map<string, Deno.Listener>,
  ): Promise<void> {
    const key = request.kind === "unix" ? `unix:${request.path}` : `tcp:${request.address}:${request.port}`;
    if (request.cancel) {
      close(listeners, key);
      return request.succeed();
    }
    // Asked for a second time, the same socket is there already: a client that counts on it need not fail.
    if (request.kind === "unix" && listeners.has(key)) return request.succeed();
    let listener: Deno.Listener;
    try {
      listener = request.kind === "unix" ? await listenUnix(request.path) : await bindPatiently(
        () => Deno.listen({ hostname: request.address || ANY_ADDRESS, port: request.port }),
        { signal: connection.signal },
      );
    } catch (error) {
      this.#work.log.info("remote forward refused", { target: key, error: messageOf(error) });
      return request.fail();
    }
    if (connection.signal.aborted) return closeSocket(listener);
    const port = request.kind === "tcp" ? (listener.addr as Deno.NetAddr).port : 0;
    const bound = request.kind === "tcp" ? `tcp:${request.address}:${port}` : key;
    listeners.set(bound, listener);
    request.succeed(port);
    const open: Open = (socket) => {
      if (request.kind === "unix") return connection.openForwardedStreamlocal(request.path);
      const { hostname, port: from } = socket.remoteAddr as Deno.NetAddr;
      return connection.openForwardedTcp({ address: request.address, port }, { address: hostname, port: from });
    };
    const failed = (error: unknown) => {
      this.#work.log.warn("remote forward cannot accept", { target: bound, error: messageOf(error) });
    };
    // Until it is cancelled, or the connection is gone.
    this.#work.tasks.run(
      "remote forward",
      () => acceptAll(listener as Accepting, (socket) => this.#join(socket, open), failed),
    );
  }

  #join(socket: Socket, open: Open): void {
    this.#work.tasks.run("remote forward connection", async (signal) => {
      try {
        await joinStreams(await open(socket), socket, { clock: this.#work.clock, stop: signal });
      } catch (error) {
        this.#work.log.debug("forwarded connection refused by the client", { error: messageOf(error) });
        closeSocket(socket);
      }
    });
  }

  #forwardsOf(connection: SshConnection): Forwards {
    const known = this.#forwards.get(connection);
    if (known !== undefined) return known;
    const own: Forwards = { listeners: new Map(), turn: Promise.resolve() };
    this.#forwards.set(connection, own);
    connection.signal.addEventListener("abort", () => {
      for (const key of [...own.listeners.keys()]) close(own.listeners, key);
      this.#forwards.delete(connection);
    }, { once: true });
    return own;
  }
}

function close(listeners: Map<string, Deno.Listener>, key: string): void {
  const listener = listeners.get(key);
  listeners.delete(key);
  if (listener !== undefined) closeSocket(listener);
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
  return bindPrivately(path, () => Deno.listen({ transport: "unix", path }));
}
