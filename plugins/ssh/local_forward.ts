/**
 * Connections from the client's side to here: `ssh -L`, `-D`, `-W`.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Tasks } from "../../core/plugin.ts";
import { closeSocket, joinStreams } from "./join_streams.ts";
import { type ChannelRequest, OPEN_FAILURE } from "./transport/ssh_connection.ts";

/** Opens the socket that a client asks for, and joins it with the channel. Returns at once, never throws. */
export class LocalForwards {
  /** @param isBlocked Whether the configuration refuses them now. */
  constructor(readonly tasks: Tasks, readonly isBlocked: () => boolean) {}

  /** To a TCP port as seen from here. */
  tcp(target: { readonly destIP: string; readonly destPort: number }, request: ChannelRequest): void {
    if (this.isBlocked()) return request.refuse(OPEN_FAILURE.prohibited, "port forwarding is disabled");
    this.#join(request, () => Deno.connect({ hostname: target.destIP, port: target.destPort }));
  }

  /** To a Unix socket. */
  unix(path: string, request: ChannelRequest): void {
    if (this.isBlocked()) return request.refuse(OPEN_FAILURE.prohibited, "local port forwarding is disabled");
    this.#join(request, () => Deno.connect({ transport: "unix", path }));
  }

  #join(request: ChannelRequest, dial: () => Promise<Deno.TcpConn | Deno.UnixConn>): void {
    this.tasks.run("local forward", async (signal) => {
      let socket: Deno.TcpConn | Deno.UnixConn;
      try {
        socket = await dial();
      } catch (error) {
        return request.refuse(OPEN_FAILURE.connectFailed, messageOf(error));
      }
      const channel = request.accept();
      if (channel === undefined) return closeSocket(socket);
      await joinStreams(channel, socket, signal);
    });
  }
}
