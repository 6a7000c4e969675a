/**
 * The HTTP side of an attached plugin: requests and WebSockets to its own Unix socket.
 *
 * @module
 */
import type { Context } from "hono";

import { HttpProblem, messageOf } from "../errors.ts";
import type { Exchange } from "../http/exchange.ts";
import type { SocketChannel } from "../plugin.ts";
import type { LostSocket } from "./lost_socket.ts";
import { askProgram, type ProgramRequest } from "./program_request.ts";

/** Headers that belong to one connection (RFC 9110, 7.6.1), or that the proxying side sets anew. */
const HOP_BY_HOP: readonly string[] = [
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/** What proves to the agent who asks. It is the agent's, and no plugin's business. */
const CREDENTIALS: readonly string[] = ["authorization", "cookie"];
/** Of the handshake; the other connection has its own. */
const HANDSHAKE = /^sec-websocket-/;
/** Longest text taken from the plugin's metrics, in bytes. */
const MAX_METRICS_BYTES = 1024 * 1024;

/** Where an attached plugin answers. */
export class ProgramHttp implements Disposable {
  /** Set when the program is over: nothing is asked any more. */
  #gone: string | undefined;

  /**
   * @param socketPath Absolute path of the plugin's Unix socket.
   * @param socket Looks after it when the plugin does not answer.
   */
  constructor(readonly plugin: string, readonly socketPath: string, readonly socket: LostSocket) {}

  /** Requests are answered with 503 from now on. */
  end(reason: string): void {
    this.#gone ??= reason;
  }

  [Symbol.dispose](): void {
    this.end("it is stopped");
  }

  /**
   * Passes a request on and its answer back, both as streams. The request ends with its client.
   *
   * @throws {HttpProblem} 503 when the program is over, 502 when it does not answer.
   */
  async answer(c: Context): Promise<Response> {
    const { raw, method } = c.req;
    const response = await this.#ask({
      ...{ method, target: targetOf(c), headers: withPlace(passedOn(raw.headers), c), signal: raw.signal },
      body: method === "GET" || method === "HEAD" ? null : raw.body,
    });
    return new Response(response.body, {
      status: response.status,
      statusText: response.statusText,
      headers: passedOn(response.headers),
    });
  }

  /** Connects a WebSocket; the plugin may also refuse, with an answer of its own. */
  async upgrade(c: Context, maxMessageBytes: number): Promise<Response | ((channel: SocketChannel) => Promise<void>)> {
    this.#assertThere();
    const { openProgramSocket, SocketRefusedError } = await import("./program_socket.ts");
    const headers = withPlace(passedOn(c.req.raw.headers), c);
    try {
      const socket = await openProgramSocket({
        ...{ socketPath: this.socketPath, target: targetOf(c), maxMessageBytes },
        headers: Object.fromEntries(headers),
        signal: c.req.raw.signal,
      });
      return socket.join;
    } catch (error) {
      if (error instanceof SocketRefusedError) {
        return new Response(error.body as Uint8Array<ArrayBuffer>, { status: error.status, headers: error.headers });
      }
      c.req.raw.signal.throwIfAborted();
      throw this.#unreachable(error);
    }
  }

  /** Prometheus text from `path`. @throws {Error} When there is none, or too much. */
  async metrics(path: string, signal: AbortSignal): Promise<string> {
    const headers = new Headers({ accept: "text/plain", host: "localhost" });
    const response = await this.#ask({ method: "GET", target: path, headers, signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`GET ${path} answered ${response.status}`);
    }
    const decoder = new TextDecoder();
    let text = "";
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_METRICS_BYTES) throw new RangeError(`its metrics are longer than ${MAX_METRICS_BYTES} bytes`);
      text += decoder.decode(chunk, { stream: true });
    }
    return text;
  }

  async #ask(asked: Omit<ProgramRequest, "socketPath">): Promise<Response> {
    this.#assertThere();
    try {
      return await askProgram({ ...asked, socketPath: this.socketPath });
    } catch (error) {
      asked.signal.throwIfAborted();
      throw error instanceof HttpProblem ? error : this.#unreachable(error);
    }
  }

  #assertThere(): void {
    if (this.#gone === undefined) return;
    throw new HttpProblem(503, `Plugin "${this.plugin}" has ended`, {
      code: "plugin_failed",
      detail: this.#gone,
      headers: { "retry-after": "1" },
    });
  }

  #unreachable(cause: unknown): HttpProblem {
    void this.socket.look();
    const detail = messageOf(cause);
    return new HttpProblem(502, `Plugin "${this.plugin}" does not answer`, {
      code: "plugin_unreachable",
      detail,
      cause,
    });
  }
}

function targetOf(c: Context): string {
  const { pathname, search } = new URL(c.req.raw.url);
  return pathname + search;
}

/** Headers for the other side. */
function passedOn(from: Headers): Headers {
  const headers = new Headers(from);
  const named = (from.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase()).filter(Boolean);
  for (const name of [...HOP_BY_HOP, ...CREDENTIALS, ...named]) {
    if (/^[\w-]+$/.test(name)) headers.delete(name);
  }
  for (const name of [...headers.keys()]) if (HANDSHAKE.test(name)) headers.delete(name);
  return headers;
}

/** Says which request it is, so that its lines in both logs can be joined. */
function withPlace(headers: Headers, c: Context): Headers {
  const { requestId } = c.env as Partial<Exchange>;
  if (requestId !== undefined) headers.set("x-request-id", requestId);
  return headers;
}
