/**
 * The client: everything an agent offers, grouped as its plugins are.
 *
 * @module
 */
import { type CallInput, type CallOptions, type ChatOfClient, Connection, type Operation } from "./connection.ts";
import { Files } from "./files.ts";
import type { AgentInfo, AgentStatus, Health, Link, Operations, Readiness } from "./gen/api.ts";
import { GitRepositories } from "./git.ts";
import { Processes } from "./processes.ts";
import { type HttpOptions, httpTransport, type Transport } from "./transport.ts";

/** How a client presents itself. */
export interface ClientOptions {
  /** The chat on whose behalf it asks. */
  readonly chat?: ChatOfClient;
}

/**
 * One agent. Methods reject with {@linkcode OutpostApiError} when the agent refuses, and take an `AbortSignal` each.
 *
 * @example
 * const agent = connect({ baseUrl: "http://127.0.0.1:4000", token });
 * const { id } = await agent.processes.start({ command: "make test" });
 * for await (const event of agent.processes.stream(id)) {
 *   if (event.event === "output") show(event.bytes);
 * }
 */
export class OutpostClient {
  readonly processes: Processes;
  readonly files: Files;
  readonly git: GitRepositories;
  readonly #connection: Connection;

  /** @param transport How requests reach the agent. */
  constructor(transport: Transport, options: ClientOptions = {}) {
    this.#connection = new Connection(transport, options.chat);
    this.processes = new Processes(this.#connection);
    this.files = new Files(this.#connection);
    this.git = new GitRepositories(this.#connection);
  }

  /** A client of the same agent that asks on behalf of a chat. */
  forChat(chat: ChatOfClient): OutpostClient {
    return new OutpostClient(this.#connection.transport, { chat });
  }

  /** Version, plugins, capabilities and limits. */
  info(options: CallOptions = {}): Promise<AgentInfo> {
    return this.#connection.call("info", options);
  }

  /** How the agent's process and its plugins are. */
  status(options: CallOptions = {}): Promise<AgentStatus> {
    return this.#connection.call("status", options);
  }

  /** Resolves when the agent is alive. Needs no token. */
  health(options: CallOptions = {}): Promise<Health> {
    return this.#connection.call("health", options);
  }

  /** Whether the start is complete. Resolves also while it is not. */
  async readiness(options: CallOptions = {}): Promise<Readiness> {
    return await (await this.#connection.request("readiness", options, [503])).json();
  }

  /** Makes a link that signs one browser in. */
  link(options: CallOptions = {}): Promise<Link> {
    return this.#connection.call("auth.link", options);
  }

  /** Calls any operation of the API document that answers with JSON. */
  call<O extends Operation>(operation: O, input: CallInput<O> = {}): Promise<Operations[O]["answer"]> {
    return this.#connection.call(operation, input);
  }
}

/** A client of an agent on TCP; in a browser, by default of the agent that served the page. */
export function connect(options: HttpOptions & ClientOptions = {}): OutpostClient {
  return new OutpostClient(httpTransport(options), options);
}
