/**
 * Where a listener hands over requests.
 *
 * @module
 */
import type { UpgradeWebSocket } from "./socket_transport.ts";

/** What listeners see of the front. */
export interface FrontDoor {
  /** Answers one request. Never throws and never rejects. */
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
  /** Where a browser reaches this server. Set by whoever listens on TCP. */
  baseUrl: string | undefined;
}

/** What a listener knows about the connection a request came over. */
export interface Connection {
  /**
   * Over `"unix"` the socket's permissions are the authority, over `"tunnel"` the control plane has let the caller in: no token, any `Host`.
   */
  readonly transport: "tcp" | "unix" | "tunnel";
  /** The peer's address, for the log. */
  readonly remote: string;
  /** Present when the server can upgrade this request. */
  readonly upgrade?: UpgradeWebSocket;
}
