/**
 * What a server has to offer so that WebSockets behave the same everywhere.
 *
 * @module
 */

/** One upgraded connection, as little as every server can do. */
export interface SocketTransport {
  /** Hands one message to the server; never waits. */
  send(message: string | Uint8Array): void;
  /** Bytes handed over that the peer's side has not taken yet. */
  readonly bufferedBytes: number;
  /** Resolves when {@linkcode SocketTransport.bufferedBytes} is below `bytes`, or the connection is gone. */
  drained(bytes: number): Promise<void>;
  /** Starts the closing handshake. Safe to call at any time, any number of times. */
  close(code: number, reason: string): void;
}

/** What a server reports. `ended` may come more than once; the first counts. */
export interface SocketEvents {
  opened(transport: SocketTransport): void;
  received(message: string | Uint8Array): void;
  /** The connection ended. `code` is 1006 when there was no close frame, and 1005 when it held no code. */
  ended(code: number, reason: string): void;
}

/** What the server itself watches over. */
export interface UpgradeOptions {
  /** Ping after this time and give up after the same time without an answer, in milliseconds; 0 for never. */
  readonly heartbeatMs: number;
  /** Longest message the peer may send, in bytes. */
  readonly maxMessageBytes: number;
}

/** Upgrades a request. The response must be returned to the server as it is. */
export type UpgradeWebSocket = (request: Request, options: UpgradeOptions, events: SocketEvents) => Response;

/** Close code and reason when pings stay unanswered. */
export const PING_FAILED: { readonly code: number; readonly reason: string } = { code: 1001, reason: "Ping failed" };
