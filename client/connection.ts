/**
 * Calls operations by name, with the types of the API document.
 *
 * @module
 */
import { errorOf } from "./api_error.ts";
import { type Operations, ROUTES } from "./gen/api.ts";
import type { Transport } from "./transport.ts";

/** Name of an operation. */
export type Operation = keyof Operations;

/** What an operation takes, beside the path's parts. */
export interface CallInput<O extends Operation> {
  readonly path?: Operations[O]["path"];
  readonly query?: Operations[O]["query"];
  /** JSON by value; bytes and streams as they are. */
  readonly body?: Operations[O]["body"] | BodyInit;
  readonly headers?: HeadersInit;
  readonly signal?: AbortSignal;
}

/** What every method of the client takes last. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The chat on whose behalf a client asks. Ids are UUIDs. */
export interface ChatOfClient {
  readonly id: string;
  /** Chats above it. */
  readonly ancestors?: readonly string[];
  readonly toolCall?: string;
}

/** One agent, and the headers that go with every request to it. */
export class Connection {
  readonly #headers: Readonly<Record<string, string>>;

  constructor(readonly transport: Transport, chat?: ChatOfClient) {
    this.#headers = chat === undefined ? {} : {
      "coder-chat-id": chat.id,
      ...(chat.ancestors && { "coder-ancestor-chat-ids": JSON.stringify(chat.ancestors) }),
      ...(chat.toolCall && { "coder-tool-call-id": chat.toolCall }),
    };
  }

  /**
   * Calls an operation that answers with JSON.
   *
   * @throws {OutpostApiError} When the agent refuses.
   */
  async call<O extends Operation>(operation: O, input: CallInput<O> = {}): Promise<Operations[O]["answer"]> {
    const response = await this.request(operation, input);
    return await response.json();
  }

  /**
   * Calls an operation and gives the answer as it comes. Read its body, or cancel it.
   *
   * @param accept Statuses from 300 on that are no error.
   * @throws {OutpostApiError} When the agent refuses.
   */
  async request<O extends Operation>(
    operation: O,
    input: CallInput<O> = {},
    accept: readonly number[] = [],
  ): Promise<Response> {
    const { body, signal } = input;
    const headers = new Headers(this.#headers);
    new Headers(input.headers).forEach((value, name) => headers.set(name, value));
    const init: RequestInit & { duplex?: "half" } = { method: ROUTES[operation].method, headers, signal };
    if (isPlain(body)) {
      headers.set("content-type", "application/json");
      init.body = JSON.stringify(body);
    } else if (body !== undefined && body !== null) {
      init.body = body as BodyInit;
      // What the Fetch standard demands for a body that is still being produced.
      if (body instanceof ReadableStream) init.duplex = "half";
    }
    const response = await this.transport.fetch(pathOf(operation, input), init);
    if (response.ok || accept.includes(response.status)) return response;
    throw await errorOf(response);
  }

  /** Opens the WebSocket of an operation. @throws {TypeError} When the transport has none. */
  webSocket<O extends Operation>(operation: O, input: Pick<CallInput<O>, "path" | "query"> = {}): WebSocket {
    const socket = this.transport.webSocket?.(pathOf(operation, input));
    if (socket === undefined) throw new TypeError("Cannot open a WebSocket: this transport has none");
    return socket;
  }
}

function isPlain(body: unknown): boolean {
  if (typeof body !== "object" || body === null) return false;
  const prototype = Object.getPrototypeOf(body);
  return prototype === Object.prototype || prototype === null;
}

function pathOf<O extends Operation>(operation: O, { path = {}, query = {} }: CallInput<O>): string {
  const parts = path as Readonly<Record<string, string>>;
  const filled = ROUTES[operation].path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parts[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? filled : `${filled}?${search}`;
}
