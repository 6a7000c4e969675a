/**
 * A WebSocket as a byte stream: binary messages, whose boundaries mean nothing.
 *
 * @module
 */
import { systemClock } from "../clock.ts";
import type { Clock } from "../plugin.ts";
import { ByteQueue } from "./byte_queue.ts";
import { type ByteStream, StreamClosedError } from "./byte_stream.ts";

/** Bytes handed to the runtime and not sent yet from which on writers wait. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** How often a waiting writer looks again, in milliseconds: WebSockets do not say when they have drained. */
const DRAIN_POLL_MS = 2;
/** Unread bytes at which the connection is given up: a WebSocket cannot be paused. */
const DEFAULT_MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** Codes we close with. The WebSocket interface refuses the registered 1003 and 1009, so the private range stands in for them. */
const CloseCode = { normal: 1000, text: 4003, tooMuch: 4009 } as const;

/** Options of {@linkcode webSocketStream}. */
export interface WebSocketStreamOptions {
  readonly clock?: Clock;
  /** Unread bytes at which the socket is closed with 4009. Default 16 MiB. */
  readonly maxUnreadBytes?: number;
}

/** A WebSocket closed in a way that is no orderly end. */
export class WebSocketCloseError extends Error {
  override readonly name = "WebSocketCloseError";
  readonly code = "websocket_closed";

  /** @param closeCode Code of the close frame; 1006 when there was none. */
  constructor(readonly closeCode: number, readonly reason: string) {
    super(`The WebSocket was closed with code ${closeCode}${reason === "" ? "" : `: ${reason}`}`);
  }
}

/**
 * Wraps an open WebSocket, which belongs to the stream from now on. Codes 1000 and 1001 are the end of the stream, every other one is an
 * error. There is no half-close: {@linkcode ByteStream.closeWrite} closes with 1000.
 */
export function webSocketStream(socket: WebSocket, options: WebSocketStreamOptions = {}): ByteStream {
  return new WebSocketStream(socket, options);
}

class WebSocketStream implements ByteStream {
  readonly released: Promise<void>;
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #maxUnreadBytes: number;
  readonly #received = new ByteQueue();
  readonly #gone = Promise.withResolvers<void>();
  #ended = false;
  #failure: Error | undefined;
  #arrived: PromiseWithResolvers<void> | undefined;

  constructor(socket: WebSocket, options: WebSocketStreamOptions) {
    this.#socket = socket;
    this.#clock = options.clock ?? systemClock;
    this.#maxUnreadBytes = options.maxUnreadBytes ?? DEFAULT_MAX_UNREAD_BYTES;
    this.released = this.#gone.promise;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#finish(event.code, event.reason);
    // A close event follows every error; it carries what there is to know.
    socket.onerror = (event) => event.preventDefault();
    if (socket.readyState === WebSocket.CLOSED) this.#finish(1006, "");
  }

  async read(): Promise<Uint8Array | null> {
    while (true) {
      const piece = this.#failure instanceof StreamClosedError ? undefined : this.#received.shift();
      if (piece !== undefined) return piece;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return null;
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertWritable();
    this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
    while (this.#socket.bufferedAmount > HIGH_WATER_BYTES) {
      await this.#clock.sleep(DRAIN_POLL_MS);
      this.#assertWritable();
    }
  }

  closeWrite(): Promise<void> {
    this.#closeSocket(CloseCode.normal);
    return Promise.resolve();
  }

  close(reason: Error = new StreamClosedError()): void {
    this.#failure ??= reason;
    this.#received.clear();
    this.#closeSocket(CloseCode.normal);
    this.#arrived?.resolve();
  }

  #assertWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN) throw new StreamClosedError();
  }

  #receive(message: unknown): void {
    if (this.#failure !== undefined) return;
    if (!(message instanceof ArrayBuffer)) return this.#reject(CloseCode.text, "only binary messages are understood");
    this.#received.push(new Uint8Array(message));
    if (this.#received.length > this.#maxUnreadBytes) {
      return this.#reject(CloseCode.tooMuch, "too many bytes wait for the reader");
    }
    this.#arrived?.resolve();
  }

  /** Closes because of what the peer sent. */
  #reject(code: number, reason: string): void {
    this.#failure = new WebSocketCloseError(code, reason);
    this.#received.clear();
    this.#closeSocket(code, reason);
    this.#arrived?.resolve();
  }

  #finish(code: number, reason: string): void {
    this.#ended = true;
    this.#gone.resolve();
    if (code !== 1000 && code !== 1001) this.#failure ??= new WebSocketCloseError(code === 0 ? 1006 : code, reason);
    this.#arrived?.resolve();
  }

  #closeSocket(code: number, reason = ""): void {
    if (this.#socket.readyState < WebSocket.CLOSING) this.#socket.close(code, reason);
  }
}
