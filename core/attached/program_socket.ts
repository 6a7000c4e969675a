/**
 * A WebSocket between the agent and an attached plugin, joined to the one of a client.
 *
 * @module
 */
import { connect } from "node:net";

// @ts-types="../rpc/ws.d.ts"
import type WebSocket from "ws";
// @ts-types="../rpc/ws.d.ts"
import type { UpgradeRefusal } from "ws";

import { SocketClosedError } from "../http/socket_channel.ts";
import type { SocketChannel } from "../plugin.ts";
import { loadWebSocket } from "../rpc/ws_library.ts";

/** Bytes on their way in one direction, from which on their source waits. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Most bytes passed on of an answer that is no upgrade. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** State of a WebSocket that may be written to. */
const OPEN = 1;
/** Closed without a code, or without a close frame (RFC 6455, 7.4.1). */
const NO_CODE = 1005;
const CUT = 1006;

/** Where to connect. */
export interface ProgramSocketOptions {
  readonly socketPath: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A longer message from the plugin closes with 1009. */
  readonly maxMessageBytes: number;
  /** Gives up the handshake. */
  readonly signal: AbortSignal;
}

/** The plugin answered and did not upgrade. */
export class SocketRefusedError extends Error {
  override readonly name = "SocketRefusedError";

  constructor(readonly status: number, readonly headers: Readonly<Record<string, string>>, readonly body: Uint8Array) {
    super(`The plugin answered ${status}`);
  }
}

/** An open connection to the plugin. */
export interface ProgramSocket {
  /** Passes messages both ways until one side ends; the other then ends the same way. */
  join(channel: SocketChannel): Promise<void>;
}

/**
 * Connects.
 *
 * @throws {SocketRefusedError} With the plugin's answer when it does not upgrade.
 */
export async function openProgramSocket(options: ProgramSocketOptions): Promise<ProgramSocket> {
  const { socketPath, target, headers, maxMessageBytes, signal } = options;
  const Socket = await loadWebSocket();
  signal.throwIfAborted();
  const socket = new Socket(new URL(target, "ws://localhost"), {
    ...{ headers, perMessageDeflate: false, followRedirects: false, maxPayload: maxMessageBytes },
    createConnection: () => connect({ path: socketPath }),
  });
  const opened = Promise.withResolvers<void>();
  const incoming = new Incoming(socket);
  socket.on("open", () => opened.resolve());
  socket.on("error", opened.reject);
  socket.on("unexpected-response", (request, response) => {
    readRefusal(response).then(opened.reject, opened.reject).finally(() => request.destroy());
  });
  const giveUp = () => socket.terminate();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await opened.promise;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  return { join: (channel) => join(channel, socket, incoming) };
}

async function join(channel: SocketChannel, socket: WebSocket, incoming: Incoming): Promise<void> {
  const left = channel.closed.then(({ code, reason }) => {
    incoming.drop();
    socket.close(sendable(code), reason);
  });
  await Promise.all([toProgram(channel, socket), incoming.passTo(channel)]);
  await left;
}

async function toProgram(channel: SocketChannel, socket: WebSocket): Promise<void> {
  for await (const message of channel) {
    if (socket.readyState !== OPEN) continue;
    await new Promise<void>((taken) => socket.send(message, () => taken()));
  }
}

/** Messages from the plugin; the connection is not read further while too many wait. */
class Incoming {
  readonly #socket: WebSocket;
  readonly #messages: (string | Uint8Array)[] = [];
  #bytes = 0;
  #isPaused = false;
  #isDropped = false;
  #arrived = Promise.withResolvers<void>();
  #end: { readonly code: number; readonly reason: string } | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data, isBinary) => {
      if (this.#isDropped) return;
      this.#messages.push(isBinary ? new Uint8Array(data) : new TextDecoder().decode(data));
      this.#bytes += data.length;
      if (this.#bytes > HIGH_WATER_BYTES && !this.#isPaused) {
        this.#isPaused = true;
        socket.pause();
      }
      this.#arrived.resolve();
    });
    socket.on("close", (code, reason) => {
      this.#end = { code, reason: new TextDecoder().decode(reason) };
      this.#arrived.resolve();
    });
  }

  /** Passes everything on, then the end. Resolves when the connection is over. */
  async passTo(channel: SocketChannel): Promise<void> {
    while (true) {
      const message = this.#take();
      if (message !== undefined) {
        try {
          await channel.send(message);
        } catch (error) {
          if (!(error instanceof SocketClosedError)) throw error;
          this.drop();
        }
      } else if (this.#end !== undefined) {
        return channel.close(sendable(this.#end.code) ?? 1000, this.#end.reason);
      } else {
        this.#arrived = Promise.withResolvers();
        await this.#arrived.promise;
      }
    }
  }

  /** Nobody reads any more; a paused connection would never see the end. */
  drop(): void {
    this.#isDropped = true;
    this.#messages.length = 0;
    this.#bytes = 0;
    this.#resume();
  }

  #take(): string | Uint8Array | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#bytes -= message.length;
    if (this.#bytes <= HIGH_WATER_BYTES) this.#resume();
    return message;
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}

/** The code as it may be sent: that none came, or that the connection was cut, is only ever observed. */
function sendable(code: number): number | undefined {
  if (code === NO_CODE) return undefined;
  return code === CUT || code < 1000 ? 1011 : code;
}

async function readRefusal(response: UpgradeRefusal): Promise<SocketRefusedError> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > MAX_REFUSAL_BYTES) break;
    chunks.push(chunk);
  }
  const type = response.headers["content-type"];
  const body = new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  return new SocketRefusedError(response.statusCode, typeof type === "string" ? { "content-type": type } : {}, body);
}
