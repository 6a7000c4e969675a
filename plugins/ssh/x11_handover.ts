/**
 * Where sessions that want X11 meet the one who forwards it.
 *
 * @module
 */
import type { Clock } from "../../core/plugin.ts";
import { joinStreams } from "./join_streams.ts";
import type { X11Connection, X11Forwarder, X11Requests } from "./service.ts";
import type { SshSession } from "./transport/ssh_session.ts";

/** Holds the forwarder while there is one. */
export class X11Handover implements X11Requests {
  readonly #clock: Clock;
  #forwarder: X11Forwarder | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(forwarder: X11Forwarder): Disposable {
    this.#forwarder = forwarder;
    return {
      [Symbol.dispose]: () => {
        if (this.#forwarder === forwarder) this.#forwarder = undefined;
      },
    };
  }

  /** Whether there is one. */
  get isTaken(): boolean {
    return this.#forwarder !== undefined;
  }

  /**
   * Opens the display that a session's client asked for.
   *
   * @param stop Cuts its connections.
   * @returns The value for `DISPLAY`; `undefined` when the client did not ask, or the forwarder has gone since.
   * @throws {Error} When there is no display to be had.
   */
  async open(session: SshSession, stop: AbortSignal): Promise<string | undefined> {
    const { connection, channel, start: { x11: request } } = session;
    if (request === undefined) return undefined;
    return await this.#forwarder?.open({
      request,
      disconnected: connection.signal,
      close: () => channel.close(),
      carry: async ({ socket, head, originator }: X11Connection) => {
        const carried = await connection.openX11(originator);
        await carried.write(head);
        await joinStreams(carried, socket, { clock: this.#clock, stop });
      },
    });
  }
}
