/**
 * Passing a request to a local server and its answer back.
 *
 * @module
 */
import type { SocketChannel } from "@outpost/agent";

/** Where a request goes. */
export interface Target {
  /** Such as `127.0.0.1:5173` or `[::1]:5173`. */
  readonly address: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  /** What the client's paths begin with, to be put in front of redirects. */
  readonly prefix: string;
}

/** How the local server is asked. */
export interface Way {
  /** One that lets `Host` be set. */
  readonly client: Deno.HttpClient;
  readonly signal: AbortSignal;
}

/** Of one connection only, RFC 9110 section 7.6.1; and what lets the client into the agent, which is nobody else's. */
const DROPPED = [
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["authorization", "cookie", "host", "origin", "referer", "content-length"],
];

/** What the local server gets to see: its own name as `Host`, as if a browser on this machine had asked. */
export function forwardedHeaders(from: Headers, { port, prefix }: Target): Headers {
  const headers = new Headers(from);
  for (const name of DROPPED) headers.delete(name);
  headers.set("host", `localhost:${port}`);
  headers.set("x-forwarded-prefix", prefix);
  headers.set("x-forwarded-host", from.get("host") ?? "");
  return headers;
}

/** Asks the local server. @throws {TypeError} If it cannot be reached. */
export async function forward(request: Request, target: Target, { client, signal }: Way): Promise<Response> {
  const answer = await fetch(`http://${target.address}${target.path}`, {
    method: request.method,
    headers: forwardedHeaders(request.headers, target),
    body: request.body,
    redirect: "manual",
    client,
    signal,
  });
  const headers = new Headers(answer.headers);
  // fetch has unpacked the body, so that these are not true any more.
  for (const name of ["content-encoding", "content-length", "transfer-encoding", "connection"]) headers.delete(name);
  const location = headers.get("location");
  if (location !== null) headers.set("location", movedLocation(location, target));
  return new Response(answer.body, { status: answer.status, headers });
}

/** A redirect to the server itself stays behind the prefix; one to somewhere else is none of ours. */
export function movedLocation(location: string, { port, prefix }: Target): string {
  const own = new RegExp(`^https?://(?:localhost|127\\.0\\.0\\.1|\\[::1\\]):${port}(?=/|$)`);
  if (own.test(location)) return prefix + (location.replace(own, "") || "/");
  return location.startsWith("/") && !location.startsWith("//") ? prefix + location : location;
}

/** Connects to the local server. @throws {Error} If it does not take a WebSocket before `signal` aborts. */
export async function dial(request: Request, target: Target, { client, signal }: Way): Promise<ServerSocket> {
  const headers = Object.fromEntries(
    [...forwardedHeaders(request.headers, target)].filter(([name]) => !name.startsWith("sec-websocket-")),
  );
  const socket = new WebSocket(`ws://${target.address}${target.path}`, { headers, client });
  socket.binaryType = "arraybuffer";
  // From the first moment on: a server may speak before the client's side is there.
  const server = new ServerSocket(socket);
  const opened = Promise.withResolvers<void>();
  const giveUp = () => {
    socket.close();
    opened.reject(signal.reason);
  };
  signal.addEventListener("abort", giveUp, { once: true });
  socket.addEventListener("open", () => opened.resolve(), { once: true });
  socket.addEventListener("error", () => opened.reject(new Error("it takes no WebSocket here")), { once: true });
  await opened.promise.finally(() => signal.removeEventListener("abort", giveUp));
  return server;
}

/** A WebSocket to the local server whose messages and end wait for somebody to take them. */
export class ServerSocket {
  readonly #waiting: (string | Uint8Array)[] = [];
  #take: ((message: string | Uint8Array) => void) | undefined;
  /** Never rejects. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  constructor(readonly socket: WebSocket) {
    socket.addEventListener("message", ({ data }) => {
      const message = typeof data === "string" ? data : new Uint8Array(data);
      if (this.#take === undefined) this.#waiting.push(message);
      else this.#take(message);
    });
    this.closed = new Promise((resolve) =>
      socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }), { once: true })
    );
  }

  /** Hands over what came so far, and then each message as it comes. */
  receive(take: (message: string | Uint8Array) => void): void {
    for (const message of this.#waiting.splice(0)) take(message);
    this.#take = take;
  }

  send(message: string | Uint8Array): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  close(code: number, reason: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close(code, reason);
  }
}

/** Carries messages both ways until one side closes; the other then closes the same way. */
export async function joinSockets(client: SocketChannel, server: ServerSocket): Promise<void> {
  let sending: Promise<unknown> = Promise.resolve();
  // One after the other; a client that is gone ends all of it below.
  server.receive((message) => void (sending = sending.then(() => client.send(message)).catch(() => {})));
  void server.closed.then(async ({ code, reason }) => {
    await sending;
    client.close(sendable(code), reason);
  });
  for await (const message of client) server.send(message);
  const { code, reason } = await client.closed;
  server.close(sendable(code), reason);
  await server.closed;
}

/** 1005 and 1006 say that there was no code, and may not be sent; neither may those below 3000 except 1000, by a client. */
function sendable(code: number): number {
  return code === 1000 || (code >= 3000 && code <= 4999) ? code : 1000;
}
