/**
 * One request on its way through the front.
 *
 * @module
 */
import type { Authority } from "./auth.ts";
import { chatIdentityOf } from "./chat_identity.ts";
import type { Connection } from "./front_door.ts";
import type { ProblemPlace } from "./problem.ts";
import type { LogFields } from "../plugin.ts";

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
  // Both are made when somebody asks: most handlers never do, and each costs as much as dispatching a request.
  #abort: AbortController | undefined;
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
    (this.#abort ??= new AbortController()).abort(reason);
  }

  /** Joins the client's own signal with {@linkcode Exchange.abort}. */
  signalOf(native: AbortSignal): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#signal ??= AbortSignal.any([native, this.#abort.signal]);
  }

  /**
   * Makes `request.signal` abort also when the handler's time is up. By an own property: a new request would cost more than
   * the whole dispatch, and could not be upgraded.
   */
  bindSignal(request: Request): Request {
    (request as BoundRequest)[EXCHANGE] = this;
    return Object.defineProperty(request, "signal", SIGNAL);
  }
}

const EXCHANGE: unique symbol = Symbol("exchange");

interface BoundRequest extends Request {
  [EXCHANGE]: Exchange;
}

/** One for all requests, so that they keep one hidden class. */
const SIGNAL: PropertyDescriptor = {
  configurable: true,
  get(this: BoundRequest): AbortSignal {
    return this[EXCHANGE].signalOf(Reflect.get(Object.getPrototypeOf(this), "signal", this));
  },
};
