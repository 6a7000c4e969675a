/**
 * What we use of the package `ws`, typed. Its published types would bring those of Node, which change `setTimeout` for everybody.
 *
 * @module
 */

/** Options of the client. */
export interface ClientOptions {
  headers?: Readonly<Record<string, string>>;
  perMessageDeflate?: boolean;
  followRedirects?: boolean;
  /** Longest message taken, in bytes; a longer one closes with 1009. */
  maxPayload?: number;
  /** Makes the connection; by default one to the address's host. */
  createConnection?: () => unknown;
}

/** The answer of a server that did not upgrade. */
export interface UpgradeRefusal extends AsyncIterable<Uint8Array> {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A client's WebSocket. */
export default class WebSocket {
  static readonly OPEN: number;
  static readonly CLOSING: number;
  constructor(address: URL, options?: ClientOptions);
  readonly readyState: number;
  on(event: "open", listener: () => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): this;
  on(event: "close", listener: (code: number, reason: Uint8Array) => void): this;
  on(
    event: "unexpected-response",
    listener: (request: { destroy(): void }, response: UpgradeRefusal) => void,
  ): this;
  /** @param done Called when the socket took the message, or with why it did not. */
  send(data: Uint8Array | string, done: (error?: Error) => void): void;
  /** Starts the closing handshake, and cuts the connection when the peer does not answer it. */
  close(code?: number, reason?: string): void;
  /** Cuts the connection. */
  terminate(): void;
  /** Stops reading from the connection. */
  pause(): void;
  resume(): void;
}
