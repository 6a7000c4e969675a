/**
 * Opens the front on `node:http`, for programs that host an agent beside a Node server.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { getRequestListener } from "@hono/node-server";

import { systemClock } from "../clock.ts";
import type { Clock } from "../plugin.ts";
import type { Connection, FrontDoor } from "./front_door.ts";
import { type Listener, reachable, type TcpOptions } from "./listeners.ts";
import { acceptOnNode } from "./node_web_socket.ts";
import type { SocketEvents, UpgradeOptions } from "./socket_transport.ts";

export type { Clock } from "../plugin.ts";
export type { Connection, FrontDoor, Listener, TcpOptions };

/** Where to listen, and the clock of the heartbeat. */
export interface NodeOptions extends TcpOptions {
  /** Default: the real one. */
  readonly clock?: Clock;
}

/** Listens with a server of `node:http` and tells the front its address. Rejects when the port is taken. */
export async function listenNode(front: FrontDoor, options: NodeOptions): Promise<Listener> {
  const { hostname = "127.0.0.1", port } = options;
  const server = createServer(getRequestListener(
    (request, env) => front.fetch(request, { transport: "tcp", remote: remoteOf(env.incoming as IncomingMessage) }),
    { hostname, overrideGlobalObjects: false },
  ));
  const sockets = acceptWebSockets(front, server, options.clock ?? systemClock);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  const bound = server.address() as { readonly address: string; readonly port: number };
  const address = `http://${bound.address.includes(":") ? `[${bound.address}]` : bound.address}:${bound.port}`;
  front.baseUrl = reachable(address);
  return { address, close: closer(server, sockets) };
}

/**
 * Lets a server of `node:http` upgrade WebSockets of the front. Refusals keep their status and body.
 *
 * @returns The sockets that asked for an upgrade and are open, for whoever closes the server.
 */
export function acceptWebSockets(front: FrontDoor, server: Server, clock: Clock): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy()); // The client went away; whoever reads or writes sees the end.
    answerUpgrade(front, { incoming, socket, head }, clock).catch(() => socket.destroy());
  });
  return sockets;
}

async function answerUpgrade(
  front: FrontDoor,
  handshake: { readonly incoming: IncomingMessage; readonly socket: Socket; readonly head: Buffer },
  clock: Clock,
): Promise<void> {
  const accepted: { options?: UpgradeOptions; events?: SocketEvents; response?: Response } = {};
  const connection: Connection = {
    transport: "tcp",
    remote: remoteOf(handshake.incoming),
    upgrade(_request, options, events) {
      return Object.assign(accepted, { options, events, response: new Response(null, { status: 204 }) }).response;
    },
  };
  const response = await front.fetch(requestOf(handshake.incoming), connection);
  const { options, events } = accepted;
  if (options && events && response === accepted.response) return acceptOnNode(handshake, options, events, clock);
  // Something came between, such as the handler's deadline: the channel that was prepared has no connection.
  events?.ended(1006, "");
  await writeResponse(handshake.socket, response);
}

function requestOf(incoming: IncomingMessage): Request {
  const headers = new Headers();
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index]!, incoming.rawHeaders[index + 1]!);
  }
  const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host || "localhost"}`);
  return new Request(url, { method: incoming.method, headers });
}

async function writeResponse(socket: Socket, response: Response): Promise<void> {
  const lines = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ""}`];
  for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
  // The end of the connection ends the body, whatever its length.
  socket.write([...lines, "connection: close", "", ""].join("\r\n"));
  const body = response.body ? Readable.fromWeb(response.body as never) : Readable.from([]);
  await pipeline(body, socket);
}

function remoteOf({ socket }: IncomingMessage): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

function closer(server: Server, sockets: ReadonlySet<Socket>): Listener["close"] {
  let closing: Promise<void> | undefined;
  async function close(cut: AbortSignal | undefined): Promise<void> {
    const cutNow = () => {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
    };
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    if (cut?.aborted) cutNow();
    else cut?.addEventListener("abort", cutNow, { once: true });
    await closed;
    cut?.removeEventListener("abort", cutNow);
  }
  return (cut) => closing ??= close(cut);
}
