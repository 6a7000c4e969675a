/**
 * A client's WebSocket as a byte stream, with back-pressure in both directions.
 *
 * @module
 */
// @ts-types="./ws.d.ts"
import type WebSocket from "ws";

import { ByteQueue } from "./byte_queue.ts";
import { type ByteStream, StreamClosedError } from "./byte_stream.ts";
import { WebSocketCloseError } from "./web_socket_stream.ts";

/** Bytes that wait, from which on writers wait; and the connection is not read further. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** States of a WebSocket, in order. */
const CLOSING = 2;

/** Wraps an open WebSocket of the package `ws`, which belongs to the stream from now on. Closing codes mean what they mean for `webSocketStream()`. */
export function clientWebSocketStream(socket: WebSocket): ByteStream {
  return new ClientWebSocketStream(socket);
}

class ClientWebSocketStream implements ByteStream {
  readonly released: Promise<void>;
  readonly #socket: WebSocket;
  readonly #received = new ByteQueue();
  readonly #gone = Promise.withResolvers<void>();
  #isPaused = false;
  #isClosed = false;
  #ended = false;
  #failure: Error | undefined;
  #arrived: PromiseWithResolvers<void> | undefined;
  /** Bytes the socket has not taken yet. */
  #unsentBytes = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.released = this.#gone.promise;
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("error", (error) => {
      this.#failure ??= error;
    });
    socket.on("close", (code, reason) => this.#finish(code, new TextDecoder().decode(reason)));
  }

  async read(): Promise<Uint8Array | null> {
    while (true) {
      const piece = this.#received.shift();
      if (piece !== undefined) {
        this.#resume();
        return piece;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return null;
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertWritable();
    this.#unsentBytes += bytes.length;
    this.#socket.send(bytes, (error) => {
      this.#unsentBytes -= bytes.length;
      if (error) this.#failure ??= error;
      this.#drained?.resolve();
      this.#drained = undefined;
    });
    while (this.#unsentBytes > HIGH_WATER_BYTES) {
      this.#drained ??= Promise.withResolvers();
      await this.#drained.promise;
      this.#assertWritable();
    }
  }

  closeWrite(): Promise<void> {
    this.#closeSocket(1000);
    return Promise.resolve();
  }

  close(reason: Error = new StreamClosedError()): void {
    this.#failure ??= reason;
    this.#isClosed = true;
    this.#received.clear();
    this.#closeSocket(1000);
    this.#arrived?.resolve();
    this.#drained?.resolve();
  }

  #assertWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended || this.#socket.readyState >= CLOSING) throw new StreamClosedError();
  }

  #receive(data: Uint8Array, isBinary: boolean): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    if (!isBinary) {
      this.#failure = new WebSocketCloseError(1003, "only binary messages are understood");
      this.#received.clear();
      this.#closeSocket(1003, "only binary messages are understood");
    } else this.#received.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    if (this.#received.length >= HIGH_WATER_BYTES && !this.#isPaused) {
      this.#isPaused = true;
      this.#socket.pause();
    }
    this.#arrived?.resolve();
  }

  #finish(code: number, reason: string): void {
    this.#ended = true;
    if (code !== 1000 && code !== 1001) this.#failure ??= new WebSocketCloseError(code, reason);
    this.#arrived?.resolve();
    this.#drained?.resolve();
    this.#gone.resolve();
  }

  #resume(): void {
    if (!this.#isPaused || this.#received.length >= HIGH_WATER_BYTES) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  #closeSocket(code: number, reason = ""): void {
    // A paused socket would never see the answer to its close.
    if (this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
    if (this.#socket.readyState < CLOSING) this.#socket.close(code, reason);
  }
}
