/**
 * WebSockets of `node:http`, made by the `ws` server inside `@hono/node-ws`. Import it only where that server is used.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import { createNodeWebSocket } from "@hono/node-ws";
import { Hono } from "hono";

import type { Clock } from "../plugin.ts";
import { PING_FAILED, type SocketEvents, type SocketTransport, type UpgradeOptions } from "./socket_transport.ts";

/** The part of `ws`'s socket that is used here; the package comes without types. */
interface NodeSocket {
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(message: string | Uint8Array, done: (error?: Error) => void): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): void;
  on(event: "close", listener: (code: number, reason: Buffer) => void): void;
  on(event: "pong", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
}
/** The part of `ws`'s server that is used here. */
interface NodeSocketServer {
  options: { maxPayload: number };
  on(event: "wsClientError", listener: (error: Error, socket: Duplex) => void): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: NodeSocket) => void): void;
}

const OPEN = 1;

/** One connection that asked for an upgrade. */
export interface NodeHandshake {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Finishes the handshake. `events.ended` is called also when it fails. */
export function acceptOnNode(
  { incoming, socket, head }: NodeHandshake,
  options: UpgradeOptions,
  events: SocketEvents,
  clock: Clock,
): void {
  // The package's own dispatch drops the body of a refusal, so only its server is taken; one each, for its own limit.
  const server: NodeSocketServer = createNodeWebSocket({ app: new Hono() }).wss;
  server.options.maxPayload = options.maxMessageBytes;
  const cut = () => events.ended(1006, "");
  socket.once("close", cut);
  server.on("wsClientError", (_error, socket) => {
    cut();
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  if (socket.destroyed) return cut();
  server.handleUpgrade(incoming, socket, head, (ws) => {
    socket.off("close", cut);
    listen(ws, options, events, clock);
  });
}

function listen(ws: NodeSocket, { heartbeatMs }: UpgradeOptions, events: SocketEvents, clock: Clock): void {
  const end = new AbortController();
  const transport = new NodeTransport(ws);
  ws.on("message", (data, isBinary) => {
    events.received(isBinary ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data.toString());
  });
  ws.on("error", (error) => {
    // The parser closes with 1009 by itself when a message is over the limit, and reports nothing else of use.
    if ("code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
      events.ended(1009, "Message is too long");
    }
  });
  ws.on("close", (code, reason) => {
    end.abort();
    transport.release();
    events.ended(code, reason.toString());
  });
  if (heartbeatMs > 0) keepAlive(ws, heartbeatMs, events, clock, end.signal);
  events.opened(transport);
}

async function keepAlive(
  ws: NodeSocket,
  heartbeatMs: number,
  events: SocketEvents,
  clock: Clock,
  ended: AbortSignal,
): Promise<void> {
  let answered = new AbortController();
  ws.on("pong", () => answered.abort());
  while (await passes(clock, heartbeatMs, ended)) {
    answered = new AbortController();
    ws.ping();
    if (!await passes(clock, heartbeatMs, AbortSignal.any([ended, answered.signal]))) continue;
    events.ended(PING_FAILED.code, PING_FAILED.reason);
    ws.close(PING_FAILED.code, PING_FAILED.reason);
    return ws.terminate();
  }
}

/** `false` when the signal came first. */
function passes(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, signal).then(() => true, () => false);
}

class NodeTransport implements SocketTransport {
  readonly #ws: NodeSocket;
  readonly #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  constructor(ws: NodeSocket) {
    this.#ws = ws;
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  send(message: string | Uint8Array): void {
    if (this.#ws.readyState === OPEN) this.#ws.send(message, () => this.#check());
  }

  drained(bytes: number): Promise<void> {
    if (this.#hasRoom(bytes)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ bytes, resolve }));
  }

  close(code: number, reason: string): void {
    // A peer that takes nothing will not take a close frame either.
    if (this.#ws.bufferedAmount > 0 && code === 1009) this.#ws.terminate();
    else this.#ws.close(code, reason);
  }

  /** Lets everybody go who waits for room: there will be none. */
  release(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  #check(): void {
    while (this.#waiting[0] && this.#hasRoom(this.#waiting[0].bytes)) this.#waiting.shift()?.resolve();
  }

  #hasRoom(bytes: number): boolean {
    return this.#ws.readyState !== OPEN || this.#ws.bufferedAmount < bytes;
  }
}
