/**
 * One display: its ports, the session it belongs to, and the programs that connect to it.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, Tasks } from "../../core/plugin.ts";
import type { X11Session } from "../ssh/service.ts";
import { readConnectionSetup, refusal } from "./connection_setup.ts";
import type { DisplayPorts } from "./display_ports.ts";
import type { X11Metrics } from "./x11_metrics.ts";

/** What a display works with. */
export interface DisplayWork {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: Tasks;
  readonly metrics: X11Metrics;
  /** Counts a connection; `undefined` when there are too many. The result is called at its end. */
  readonly admit: () => (() => void) | undefined;
}

/** What {@linkcode ForwardedDisplay} is made from. */
export interface DisplayOptions {
  /** The display's from now on. */
  readonly ports: DisplayPorts;
  readonly session: X11Session;
  readonly cookie: Uint8Array;
  /** Called for each connection that is let in. */
  readonly used: () => void;
}

/** The protocol whose cookie is shown as it is; others prove that they have it in ways only the client can check. */
const PLAIN_COOKIE = "MIT-MAGIC-COOKIE-1";
/** Time a program has to show its cookie, in milliseconds. X programs speak first, and at once. */
const SETUP_MS = 30_000;

/** A display that is open. */
export class ForwardedDisplay {
  /** Resolves when the display has no ports any more: they are closed, or somebody else has them. Never rejects. */
  readonly freed: Promise<void>;
  readonly #work: DisplayWork;
  readonly #options: DisplayOptions;
  readonly #freed = Promise.withResolvers<void>();
  /** Until they are given away. */
  #ports: DisplayPorts | undefined;

  /** Takes connections from now on, until the ports are closed or given away. */
  constructor(options: DisplayOptions, work: DisplayWork) {
    this.#options = options;
    this.#work = work;
    this.#ports = options.ports;
    this.freed = this.#freed.promise;
    options.ports.belongTo({
      connected: (socket) => this.#take(socket),
      closed: () => this.#freed.resolve(),
      failed: (error) =>
        work.log.warn("x11 connections cannot be accepted", { display: this.number, error: messageOf(error) }),
    });
  }

  /** N in `localhost:N`. */
  get number(): number {
    return this.#options.ports.number;
  }

  /** The session the display was opened for. */
  get session(): X11Session {
    return this.#options.session;
  }

  /** Whether programs can connect to it. */
  get isOpen(): boolean {
    return this.#ports?.isClosed === false;
  }

  /** Closes the ports, unless they were given away. Connections go on. Twice is once. */
  closePorts(): void {
    this.#ports?.close();
  }

  /**
   * Gives the ports away as they are. Connections that showed the cookie go on; the others end, and the next ones are the next owner's.
   *
   * @returns `undefined` when they are closed.
   */
  giveUpPorts(): DisplayPorts | undefined {
    if (!this.isOpen) return undefined;
    const ports = this.#ports;
    this.#ports = undefined;
    this.#freed.resolve();
    return ports;
  }

  #take(socket: Deno.TcpConn): void {
    if (!this.isOpen) return closeQuietly(socket);
    const leave = this.#work.admit();
    if (leave === undefined) {
      this.#work.metrics.refused.inc({ reason: "limit" });
      return closeQuietly(socket);
    }
    this.#work.tasks.run("x11 connection", async (signal) => {
      const cut = () => closeQuietly(socket);
      signal.addEventListener("abort", cut, { once: true });
      try {
        await this.#carry(socket);
      } catch (error) {
        this.#work.metrics.refused.inc({ reason: "client" });
        this.#work.log.debug("x11 connection ended", { display: this.number, error: messageOf(error) });
      } finally {
        signal.removeEventListener("abort", cut);
        cut();
        leave();
      }
    });
  }

  async #carry(socket: Deno.TcpConn): Promise<void> {
    const { session, used } = this.#options;
    const head = await this.#checked(socket);
    if (head === undefined || !this.isOpen) return;
    used();
    // After the check: whoever lacks the cookie must not use up the one connection.
    if (session.request.single) this.closePorts();
    const { hostname, port } = socket.localAddr as Deno.NetAddr;
    await session.carry({ socket, head, originator: { address: hostname, port } });
  }

  /** Reads the program's first words. @returns Them, when it has the cookie. */
  async #checked(socket: Deno.TcpConn): Promise<Uint8Array | undefined> {
    const heard = new AbortController();
    // Rejects when the program was heard in time.
    this.#work.clock.sleep(SETUP_MS, heard.signal).then(() => closeQuietly(socket), () => {});
    // A program that hangs up, or is cut, has said nothing.
    const setup = await readConnectionSetup(socket).catch(() => undefined);
    heard.abort();
    if (setup !== undefined && this.#opens(setup.protocol, setup.cookie)) return setup.head;
    this.#work.metrics.refused.inc({ reason: "cookie" });
    this.#work.log.info("x11 connection without the cookie refused", { display: this.number });
    if (setup === undefined) return undefined;
    const words = refusal("The cookie for this display is missing or wrong", setup.head);
    await socket.write(words).catch(() => {}); // It is gone, and was counted already.
    return undefined;
  }

  #opens(protocol: string, cookie: Uint8Array): boolean {
    const wanted = this.#options.session.request.protocol;
    return protocol === wanted && (wanted !== PLAIN_COOKIE || timingSafeEqual(cookie, this.#options.cookie));
  }
}

function closeQuietly(closable: { close(): void }): void {
  try {
    closable.close();
  } catch {
    // It was closed already, by the other side's end or by ours.
  }
}
