/**
 * The TCP ports of one display: the same number on both loopback addresses.
 *
 * @module
 */
import { acceptAll } from "../../core/socket/accept_all.ts";
import { FIRST_PORT } from "./config.ts";

/** Whatever `localhost` stands for, programs must not meet somebody else there. */
const LOOPBACK = ["127.0.0.1", "::1"] as const;

/** Whose the ports are. */
export interface PortsOwner {
  /** A program connected. Must not throw. */
  readonly connected: (socket: Deno.TcpConn) => void;
  /** The ports are closed. Never told to whoever gave them away. */
  readonly closed: () => void;
  /** Told why connections cannot be accepted for a while. */
  readonly failed: (error: unknown) => void;
}

/**
 * Ports that are open. They go from one owner to the next without being closed: a port that was closed may not be bound again for
 * a moment, while a child that the agent starts in that moment still holds a copy of it.
 */
export class DisplayPorts {
  /** N in `localhost:N`. */
  readonly number: number;
  readonly #listeners: readonly Deno.TcpListener[];
  #owner: PortsOwner | undefined;
  #isClosed = false;

  /** @param listeners The ports' own from now on. Nobody is accepted before there is an owner. */
  constructor(number: number, listeners: readonly Deno.TcpListener[]) {
    this.number = number;
    this.#listeners = listeners;
  }

  /** Whether they were closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Gives the ports to `owner`: whoever is accepted from now on is its. */
  belongTo(owner: PortsOwner): void {
    const isFirst = this.#owner === undefined;
    this.#owner = owner;
    if (isFirst) void this.#accept();
  }

  /** Closes the ports. Twice is once. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const listener of this.#listeners) listener.close();
  }

  async #accept(): Promise<void> {
    const connected = (socket: Deno.TcpConn) => this.#owner?.connected(socket);
    const failed = (error: unknown) => this.#owner?.failed(error);
    await Promise.all(this.#listeners.map((listener) => acceptAll(listener, connected, failed)));
    this.#owner?.closed();
  }
}

/** Binds a display's ports; `undefined` when somebody else has one. @throws {Error} When it fails for another reason. */
export function bindDisplay(number: number): DisplayPorts | undefined {
  const listeners: Deno.TcpListener[] = [];
  for (const hostname of LOOPBACK) {
    try {
      listeners.push(Deno.listen({ hostname, port: FIRST_PORT + number }));
    } catch (error) {
      // A machine without IPv6 has one address only.
      if (hostname === "::1" && !(error instanceof Deno.errors.AddrInUse)) continue;
      for (const listener of listeners) listener.close();
      if (error instanceof Deno.errors.AddrInUse) return undefined;
      throw error;
    }
  }
  return new DisplayPorts(number, listeners);
}
