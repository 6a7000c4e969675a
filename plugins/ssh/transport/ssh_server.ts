/**
 * The server half of SSH: byte streams in, connections and sessions out.
 *
 * @module
 */
import type { Duplex } from "node:stream";

import type { Clock } from "../../../core/plugin.ts";
import type { Peer } from "../service.ts";
import { releaseCiphers } from "./cipher_resources.ts";
import { authenticate, type AuthPolicy } from "./authentication.ts";
import { guardFlow } from "./flow_guard.ts";
import { type SessionHandlers, takeOverRequests } from "./session_requests.ts";
import {
  checkShape,
  type LibraryAuthentication,
  type LibraryChannel,
  type LibraryConnection,
  type LibraryServer,
  type Reply,
  type Ssh2,
} from "./ssh2_shape.ts";
import { type ChannelRequest, OPEN_FAILURE, SshConnection } from "./ssh_connection.ts";
import { writeWholePackets } from "./whole_packets.ts";

/** Where a client wants to be connected to. */
export interface TcpTarget {
  readonly destIP: string;
  readonly destPort: number;
  readonly srcIP: string;
  readonly srcPort: number;
}

/** A request about forwarding from this machine to the client. */
export interface ForwardRequest {
  readonly kind: "tcp" | "unix";
  readonly cancel: boolean;
  /** Of kind `tcp`. */
  readonly address: string;
  readonly port: number;
  /** Of kind `unix`. */
  readonly path: string;
  /** @param port The port that was bound, when the client left the choice. */
  succeed(port?: number): void;
  fail(): void;
}

/** What happens on connections. None of the methods may throw. */
export interface ConnectionHandlers extends SessionHandlers {
  /** A client has authenticated. */
  connected(connection: SshConnection): void;
  tcp(connection: SshConnection, target: TcpTarget, request: ChannelRequest): void;
  unix(connection: SshConnection, path: string, request: ChannelRequest): void;
  forward(connection: SshConnection, request: ForwardRequest): void;
}

/** What {@linkcode SshServer} is made from. */
export interface SshServerOptions {
  readonly library: Ssh2;
  /** A private key in a format of OpenSSH: Ed25519 or RSA. */
  readonly hostKey: string;
  /** Software version in the greeting, without spaces. */
  readonly software: string;
  readonly clock: Clock;
  /** Time between signs of life that the server asks for, in milliseconds; after three without one the client is gone. 0: never. */
  readonly keepaliveMs: number;
  /** Time a client has until it is authenticated, in milliseconds. */
  readonly loginMs: number;
  readonly maxChannels: number;
  readonly handlers: ConnectionHandlers;
}

/**
 * Only what works in this library on this runtime. Left out: group exchange (not implemented for servers), nistp521 and
 * compression (both fail), SHA-1.
 */
const ALGORITHMS = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
  ],
  cipher: [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
  ],
  hmac: [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
  ],
  compress: ["none"],
  serverHostKey: ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"],
};
/** Refused attempts after which a client is sent away. Clients try every key of their agent first, so it is not a handful. */
const MAX_REFUSALS = 20;
/** The library cannot leave keepalive out; this is the longest time it can wait. */
const NEVER_MS = 2 ** 31 - 1;
const KEEPALIVE_MISSES = 3;

/** Time the last bytes of a connection have to go out, in milliseconds: what waits in a socket that is cut is lost. */
const GOODBYE_MS = 500;

/** How a byte stream ended. */
export interface ConnectionEnd {
  /** Whether the client had authenticated. */
  readonly authenticated: boolean;
  /** What went wrong, if anything did. */
  readonly error?: Error;
}

/** Who is at the other end of a byte stream. */
export interface Client {
  readonly peer: Peer;
  readonly policy: AuthPolicy;
  /** Called once when the client has authenticated. */
  readonly admitted?: () => void;
}

interface Incoming extends Client {
  /** Resolves when the byte stream has ended. */
  readonly ended: Promise<void>;
  readonly admitted: () => void;
  readonly failed: (error: Error) => void;
}

/** Serves clients with one host key. */
export class SshServer {
  readonly #options: SshServerOptions;
  readonly #server: LibraryServer;
  readonly #incoming = new Map<Duplex, Incoming>();
  /** Ends of the streams whose clients have authenticated. */
  readonly #admitted = new Map<Duplex, Promise<void>>();
  readonly #connections = new Set<SshConnection>();

  /** @throws {Error} When the host key cannot be read. */
  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#server = new options.library.Server({
      hostKeys: [options.hostKey],
      ident: options.software,
      algorithms: ALGORITHMS,
      keepaliveInterval: options.keepaliveMs > 0 ? options.keepaliveMs : NEVER_MS,
      keepaliveCountMax: KEEPALIVE_MISSES,
    });
    this.#server.on("connection", (library: LibraryConnection) => this.#greeted(library));
  }

  /** Connections whose clients are authenticated. */
  get connections(): ReadonlySet<SshConnection> {
    return this.#connections;
  }

  /** Serves one client on a byte stream until it ends. Never rejects. */
  async serve(stream: Duplex, client: Client): Promise<ConnectionEnd> {
    const done = new AbortController();
    let authenticated = false;
    let error: Error | undefined;
    const ended = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    const login = new AbortController();
    this.#incoming.set(stream, {
      ...client,
      ended,
      admitted: () => {
        authenticated = true;
        login.abort();
        this.#admitted.set(stream, ended);
        client.admitted?.();
      },
      failed: (reason) => error ??= reason,
    });
    stream.on("error", (reason: Error) => error ??= reason);
    this.#options.clock.sleep(this.#options.loginMs, AbortSignal.any([login.signal, done.signal])).then(() => {
      error ??= new Error(`Cannot log the client in: it had ${this.#options.loginMs} ms`);
      stream.destroy();
    }, () => {}); // Cancelled: the client has authenticated or left.
    this.#server.injectSocket(stream);
    await ended;
    done.abort();
    this.#incoming.delete(stream);
    this.#admitted.delete(stream);
    return { authenticated, error };
  }

  /** Says goodbye on every connection, gives it a moment to arrive, and cuts what is left. */
  async close(): Promise<void> {
    for (const connection of this.#connections) connection.end();
    for (const stream of this.#incoming.keys()) if (!this.#admitted.has(stream)) stream.destroy();
    if (this.#admitted.size === 0) return;
    const arrived = new AbortController();
    // Rejects when every client has gone in time.
    const limit = this.#options.clock.sleep(GOODBYE_MS, arrived.signal).catch(() => {});
    await Promise.race([Promise.all(this.#admitted.values()), limit]);
    arrived.abort();
    for (const stream of this.#incoming.keys()) stream.destroy();
  }

  #greeted(library: LibraryConnection): void {
    const incoming = this.#incoming.get(library._sock);
    library.on("error", (error: Error) => incoming?.failed(error));
    if (incoming === undefined) return library.end();
    checkShape(library);
    incoming.ended.then(releaseCiphers(library));
    writeWholePackets(library);
    guardFlow(library, (breach) => {
      incoming.failed(breach);
      library._sock.destroy();
    });
    // Before the key exchange ends: the library hands its packet reader to the cipher then.
    const { handlers, maxChannels } = this.#options;
    const connection = new SshConnection(library, { peer: incoming.peer, maxChannels });
    takeOverRequests(connection, library, handlers);
    takeForwards(connection, library, handlers);
    let refusals = 0;
    library.on("authentication", (attempt: LibraryAuthentication) => {
      authenticate(this.#options.library, attempt, incoming.policy).then((verdict) => {
        if (verdict === "refused" && ++refusals >= MAX_REFUSALS) library.end();
      }, (error) => {
        incoming.failed(error);
        library.end();
      });
    });
    library.once("ready", () => {
      incoming.admitted();
      this.#connections.add(connection);
      connection.signal.addEventListener("abort", () => this.#connections.delete(connection), { once: true });
      handlers.connected(connection);
    });
  }
}

function takeForwards(connection: SshConnection, library: LibraryConnection, handlers: ConnectionHandlers): void {
  type Accept = () => LibraryChannel | undefined;
  function within(accept: Accept, reject: () => void): ChannelRequest | undefined {
    const request = connection.requestOf(accept, reject);
    if (connection.mayOpenChannel()) return request;
    request.refuse(OPEN_FAILURE.resourceShortage, "too many channels");
    return undefined;
  }
  library.on("tcpip", (accept: Accept, reject: () => void, target: TcpTarget) => {
    const request = within(accept, reject);
    if (request !== undefined) handlers.tcp(connection, target, request);
  });
  library.on("openssh.streamlocal", (accept: Accept, reject: () => void, target: { socketPath: string }) => {
    const request = within(accept, reject);
    if (request !== undefined) handlers.unix(connection, target.socketPath, request);
  });
  library.on("request", (accept: ((port?: number) => void) | undefined, reject: Reply, name: string, data) => {
    handlers.forward(connection, {
      kind: name.includes("streamlocal") ? "unix" : "tcp",
      cancel: name.startsWith("cancel-"),
      address: data?.bindAddr ?? "",
      port: data?.bindPort ?? 0,
      path: data?.socketPath ?? "",
      succeed: (port) => accept?.(port),
      fail: () => reject?.(),
    });
  });
}
