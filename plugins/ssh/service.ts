/**
 * What other plugins may use of ssh. Interfaces and tokens only.
 *
 * @module
 */
import { defineService, type ServiceToken } from "../../core/plugin.ts";

/** Where a client is. */
export interface Peer {
  /** IP address; empty when the connection has none, as on a Unix socket. */
  readonly address: string;
  /** 0 when there is none. */
  readonly port: number;
}

/** A byte stream that a client speaks SSH on. */
export interface ByteStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Running sessions by what their clients are. */
export interface SessionCounts {
  readonly ssh: number;
  readonly vscode: number;
  /** Tunnels to back ends of JetBrains: their clients open too many sessions for those to tell anything. */
  readonly jetbrains: number;
}

/** Serves SSH on connections that other plugins bring. */
export interface SshTransport {
  /**
   * Serves one client until it ends; resolves then, also when the client failed. The caller vouches for the client: nobody
   * asks it for a key. Refuses with {@linkcode ScopeClosedError} when the plugin is stopped.
   */
  serve(stream: ByteStream, peer: Peer): Promise<void>;
  /** Sessions that are running now. */
  sessions(): SessionCounts;
  /** Connections that are open now. */
  connections(): number;
  /** Bytes since the plugin started, as they went over the connections. */
  traffic(): { readonly received: number; readonly sent: number };
}
/** Token for {@linkcode SshTransport}. */
export const SshTransport: ServiceToken<SshTransport> = defineService("ssh/transport");

/** The X11 forwarding a client asked for. */
export interface X11Request {
  /** Whether only the first connection is forwarded. */
  readonly single: boolean;
  /** Name of the authentication protocol, such as `MIT-MAGIC-COOKIE-1`. */
  readonly protocol: string;
  /** The cookie in hexadecimal digits, as the client sent it. */
  readonly cookie: string;
  readonly screen: number;
}

/** A connection of a program in the workspace to a display. */
export interface X11Connection {
  readonly socket: Deno.TcpConn;
  /** What was read from the socket so far; the client gets it first. */
  readonly head: Uint8Array;
  /** What the client is told about where the connection came from. */
  readonly originator: Peer;
}

/** A session whose client wants X11 forwarded. */
export interface X11Session {
  readonly request: X11Request;
  /** Aborted when the client's connection has ended. */
  readonly disconnected: AbortSignal;
  /**
   * Carries a connection to the client's X server until both sides have ended, and closes the socket.
   *
   * @throws {Error} When the client refuses. The socket is the caller's then.
   */
  carry(connection: X11Connection): Promise<void>;
  /** Closes the session without an exit status. */
  close(): void;
}

/** Makes displays for sessions. */
export interface X11Forwarder {
  /**
   * Opens a display for a session that is about to start.
   *
   * @returns The value for `DISPLAY`.
   * @throws {Error} When there is none; the session then ends with status 1.
   */
  open(session: X11Session): Promise<string>;
}

/** Requests to forward X11. */
export interface X11Requests {
  /** Hands the requests over until the result is disposed. Clients are refused while nobody takes them. */
  take(forwarder: X11Forwarder): Disposable;
}
/** Token for {@linkcode X11Requests}. */
export const X11Requests: ServiceToken<X11Requests> = defineService("ssh/x11-requests");
