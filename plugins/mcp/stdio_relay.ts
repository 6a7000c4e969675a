/**
 * Carries messages between a client on standard input and output and the agent's own MCP endpoint.
 *
 * @module
 */
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
// @ts-types="@modelcontextprotocol/sdk/types"
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";

import { messageOf } from "../../core/errors.ts";
import type { LocalAgent } from "../../core/plugin.ts";

/** What {@linkcode StdioRelay} takes. */
export interface StdioRelayOptions {
  readonly agent: LocalAgent;
  /** Say who the client is; sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the client's model is told about the server, in place of the agent's own words. */
  readonly instructions?: string;
  /** Writes one message and its line feed to the client. */
  readonly write: (line: string) => Promise<void>;
  /** Told of what the client cannot be told. */
  readonly warn: (text: string) => void;
}

/** A message as far as the relay looks at it. */
interface Message {
  readonly jsonrpc?: "2.0";
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: {
    readonly requestId?: string | number;
    readonly protocolVersion?: string;
  };
  readonly result?: { readonly protocolVersion?: string; readonly instructions?: string };
  readonly error?: unknown;
}

/** Only a base for the paths of requests: the agent is reached over its socket. */
const ENDPOINT = new URL("http://localhost/api/v0/mcp");
/** JSON-RPC codes. */
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const UNREACHABLE = -32000;
/** Id of the relay's own requests; no client would choose it. */
const OWN_ID = "outpost-relay";

/**
 * Understands only as much as it has to: which message opens the session, and which requests wait for an answer. When the
 * agent was restarted it opens a new session by itself, so that the client's next call works.
 */
export class StdioRelay {
  readonly #options: StdioRelayOptions;
  readonly #waiting = new Map<string | number, Message>();
  readonly #idle: (() => void)[] = [];
  #transport: StreamableHTTPClientTransport | undefined;
  #initialize: Message | undefined;
  #reopened: PromiseWithResolvers<void> | undefined;

  constructor(options: StdioRelayOptions) {
    this.#options = options;
  }

  /** Takes one line of the client. What goes wrong is answered. @throws When the answer cannot be written. */
  async take(line: string): Promise<void> {
    if (line.trim() === "") return;
    let message: Message;
    try {
      message = JSON.parse(line);
    } catch (error) {
      const refusal = { code: PARSE_ERROR, message: `Parse error: ${messageOf(error)}` };
      return await this.#answer({ jsonrpc: "2.0", error: refusal, id: null });
    }
    if (typeof message !== "object" || message === null || Array.isArray(message)) {
      const refusal = { code: INVALID_REQUEST, message: "Invalid request: a message is a JSON object" };
      return await this.#answer({ jsonrpc: "2.0", error: refusal, id: null });
    }
    if (message.method === "initialize") this.#initialize = message;
    if (message.method === "notifications/cancelled") this.#done(message.params?.requestId);
    if (message.method !== undefined && message.id != null) this.#waiting.set(message.id, message);
    try {
      await this.#forward(message);
    } catch (error) {
      const text = `The agent cannot be asked: ${messageOf(error)}`;
      if (message.method === undefined || message.id == null) return this.#options.warn(text);
      await this.#answer({ jsonrpc: "2.0", error: { code: UNREACHABLE, message: text }, id: message.id });
    }
  }

  /** Resolves when every request has its answer. */
  idle(): Promise<void> {
    return this.#waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Ends the session. */
  async close(): Promise<void> {
    const transport = this.#transport;
    if (transport === undefined) return;
    // An agent that is gone, or has closed the session, has nothing to be told.
    await transport.terminateSession().catch(() => {});
    await transport.close();
  }

  async #forward(message: Message): Promise<void> {
    const sent = message as JSONRPCMessage;
    if (this.#transport === undefined || message.method === "initialize") await this.#connect();
    try {
      await this.#transport!.send(sent);
    } catch (error) {
      if (!(error instanceof StreamableHTTPError && error.code === 404) || this.#initialize === undefined) throw error;
      await this.#reopen(this.#initialize);
      await this.#transport!.send(sent);
    }
  }

  async #connect(): Promise<void> {
    await this.#transport?.close();
    const transport = new StreamableHTTPClientTransport(ENDPOINT, {
      requestInit: { headers: { ...this.#options.headers } },
      fetch: (url, init) => this.#options.agent.fetch(new URL(url, ENDPOINT).pathname, init),
    });
    transport.onmessage = (received) => {
      this.#receive(received as Message, transport).catch((error) => {
        this.#options.warn(`The client cannot be answered: ${messageOf(error)}`);
      });
    };
    // What fails on the way is thrown by send(), or tried again by the transport.
    transport.onerror = (error) => this.#reopened?.reject(error);
    this.#transport = transport;
    await transport.start();
  }

  /** The agent does not know the session any more: begin one the way the client did. */
  async #reopen(initialize: Message): Promise<void> {
    await this.#connect();
    const reopened = this.#reopened = Promise.withResolvers<void>();
    reopened.promise.catch(() => {}); // send() may fail first and say so itself.
    await this.#transport!.send({ ...initialize, id: OWN_ID } as JSONRPCMessage);
    await reopened.promise;
    await this.#transport!.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    this.#options.warn("The agent was restarted; a new session was opened");
  }

  async #receive(message: Message, transport: StreamableHTTPClientTransport): Promise<void> {
    const { instructions } = this.#options;
    const isOpening = message.id === OWN_ID || this.#waiting.get(message.id ?? "")?.method === "initialize";
    const version = isOpening ? message.result?.protocolVersion : undefined;
    if (version !== undefined) transport.setProtocolVersion(version);
    if (message.id === OWN_ID) {
      if (message.error === undefined) this.#reopened?.resolve();
      else this.#reopened?.reject(new Error("the agent refuses a new session"));
      return;
    }
    const isReworded = version !== undefined && instructions !== undefined;
    await this.#answer(isReworded ? { ...message, result: { ...message.result, instructions } } : message);
  }

  async #answer(message: Message): Promise<void> {
    try {
      await this.#options.write(`${JSON.stringify(message)}\n`);
    } finally {
      // A client that takes no answer waits for none either.
      if (message.method === undefined) this.#done(message.id ?? undefined);
    }
  }

  #done(id: string | number | undefined): void {
    if (id === undefined || !this.#waiting.delete(id) || this.#waiting.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
