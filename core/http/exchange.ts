/**
 * One request on its way through the front.
 *
 * @module
 */
import type { Authority } from "./auth.ts";
import { chatIdentityOf } from "./chat_identity.ts";
import type { ProblemPlace } from "./problem.ts";
import type { LogFields } from "../plugin.ts";
import type { UpgradeWebSocket } from "./socket_transport.ts";

/** What a listener knows about the connection a request came over. */
export interface Connection {
  /** Over `"unix"` the socket's permissions are the authority: no token, any `Host`. */
  readonly transport: "tcp" | "unix";
  /** The peer's address, for the log. */
  readonly remote: string;
  /** Present when the server can upgrade this request. */
  readonly upgrade?: UpgradeWebSocket;
}

/** Stands for the agent itself where a plugin's id would. */
export const CORE = "core";

/** Ids a client may choose: they go into logs and headers. */
const REQUEST_ID = /^[\w.:+/=@-]{1,128}$/;

/** State of one request; handlers see it as `c.env`. */
export class Exchange {
  readonly requestId: string;
  // Read at once: an upgraded or abandoned request of Deno throws when it is asked later.
  readonly method: string;
  readonly host: string | null;
  readonly startedAt: number = performance.now();
  /** Id of the plugin that answers, or {@linkcode CORE}. */
  plugin: string = CORE;
  /** Pattern of the route that answered. */
  route = "";
  authority: Authority | undefined;
  /** Set when the answer is a WebSocket. */
  isUpgraded = false;
  readonly #abort = new AbortController();
  #signal: AbortSignal | undefined;

  constructor(readonly request: Request, readonly connection: Connection, readonly path: string) {
    this.method = request.method;
    this.host = request.headers.get("host");
    const sent = request.headers.get("x-request-id");
    this.requestId = sent !== null && REQUEST_ID.test(sent) ? sent : crypto.randomUUID();
  }

  /** Fields of every line logged while this request is served. */
  logFields(): LogFields {
    const chat = chatIdentityOf(this.request.headers);
    if (!chat) return { request_id: this.requestId };
    return {
      request_id: this.requestId,
      chat_id: chat.chatId,
      ...(chat.ancestorIds.length > 0 && { ancestor_chat_ids: chat.ancestorIds }),
    };
  }

  /** What error bodies say about where they come from. */
  place(): ProblemPlace {
    return { plugin: this.plugin === CORE ? undefined : this.plugin, requestId: this.requestId };
  }

  /** Tells the handler, if it listens, that nobody waits any more. */
  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /**
   * Makes `request.signal` abort also when the handler's time is up. An own property, made when it is read: a new request
   * would cost more than the whole dispatch, and could not be upgraded.
   */
  bindSignal(request: Request): Request {
    return Object.defineProperty(request, "signal", {
      configurable: true,
      get: () => {
        const native: AbortSignal = Reflect.get(Object.getPrototypeOf(request), "signal", request);
        return this.#signal ??= AbortSignal.any([native, this.#abort.signal]);
      },
    });
  }
}
