/**
 * Reaches an agent over its Unix socket, from Deno. Needs no token: who can open the socket may do everything.
 *
 * @module
 */
import { OutpostClient } from "./client.ts";
import type { ClientOptions } from "./client.ts";
import type { Transport } from "./transport.ts";

/** A transport that gives its sockets back when disposed. */
export interface UnixTransport extends Transport, Disposable {}

/** A client that gives its sockets back when disposed. */
export class UnixClient extends OutpostClient implements Disposable {
  readonly #transport: UnixTransport;

  /** @param transport From {@linkcode unixTransport}. */
  constructor(transport: UnixTransport, options: ClientOptions = {}) {
    super(transport, options);
    this.#transport = transport;
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }
}

/** A client of the agent that listens on `path`, an absolute one. Use it with `using`. */
export function connectUnix(path: string, options: ClientOptions = {}): UnixClient {
  return new UnixClient(unixTransport(path), options);
}

/** Carries requests to the socket at `path`. */
export function unixTransport(path: string): UnixTransport {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  // The host part is only for the Host header; the socket decides who is asked.
  return {
    fetch: (target, init) => fetch(`http://localhost${target}`, { ...init, client }),
    webSocket: (target) => new WebSocket(`ws://localhost${target}`, { client } as unknown as string[]),
    [Symbol.dispose]: () => client.close(),
  };
}
