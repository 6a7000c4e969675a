/**
 * Connections from the client's side to here: `ssh -L`, `-D`, `-W`.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Clock, Tasks } from "../../core/plugin.ts";
import type { ConnectionReports } from "../controlplane/service.ts";
import type { JetBrainsListeners } from "./jetbrains_tunnel.ts";
import { closeSocket, joinStreams } from "./join_streams.ts";
import { formatAddress } from "./listen_address.ts";
import { type ChannelRequest, OPEN_FAILURE } from "./transport/ssh_connection.ts";

/** What forwards work with. */
export interface LocalForwardsWork {
  readonly clock: Clock;
  readonly tasks: Tasks;
  /** Whether the configuration refuses them now. */
  readonly isBlocked: () => boolean;
  readonly jetbrains: Pick<JetBrainsListeners, "has">;
  readonly reports?: ConnectionReports;
}

/** A TCP port as seen from here, and who asks. */
export interface LocalTarget {
  readonly destIP: string;
  readonly destPort: number;
  readonly srcIP: string;
  readonly srcPort: number;
}

/** Opens the socket that a client asks for, and joins it with the channel. Returns at once, never throws. */
export class LocalForwards {
  readonly #work: LocalForwardsWork;
  #jetbrains = 0;

  constructor(work: LocalForwardsWork) {
    this.#work = work;
  }

  /** Tunnels to JetBrains back ends that are open now. */
  get jetbrains(): number {
    return this.#jetbrains;
  }

  /** To a TCP port. */
  tcp(target: LocalTarget, request: ChannelRequest): void {
    if (this.#work.isBlocked()) return request.refuse(OPEN_FAILURE.prohibited, "port forwarding is disabled");
    this.#join(request, () => Deno.connect({ hostname: target.destIP, port: target.destPort }), target);
  }

  /** To a Unix socket. */
  unix(path: string, request: ChannelRequest): void {
    if (this.#work.isBlocked()) return request.refuse(OPEN_FAILURE.prohibited, "local port forwarding is disabled");
    this.#join(request, () => Deno.connect({ transport: "unix", path }));
  }

  #join(request: ChannelRequest, dial: () => Promise<Deno.TcpConn | Deno.UnixConn>, target?: LocalTarget): void {
    this.#work.tasks.run("local forward", async (signal) => {
      let socket: Deno.TcpConn | Deno.UnixConn;
      try {
        socket = await dial();
      } catch (error) {
        return request.refuse(OPEN_FAILURE.connectFailed, messageOf(error));
      }
      const channel = request.accept();
      if (channel === undefined) return closeSocket(socket);
      // The bytes do not wait until it is known whose they are.
      const reported = target && this.#report(target);
      await joinStreams(channel, socket, { clock: this.#work.clock, stop: signal });
      (await reported)?.();
    });
  }

  /** Reports the connection when it leads to a JetBrains back end. @returns What reports its end. */
  async #report({ destPort, srcIP, srcPort }: LocalTarget): Promise<(() => void) | undefined> {
    if (!await this.#work.jetbrains.has(destPort)) return undefined;
    this.#jetbrains++;
    const ended = this.#work.reports?.connected("jetbrains", formatAddress(srcIP, srcPort));
    return () => {
      this.#jetbrains--;
      ended?.(0, "");
    };
  }
}
