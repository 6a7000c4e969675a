/**
 * Ways to the HTTP APIs of agents, over the connections the agents themselves opened.
 *
 * @module
 */
import { join } from "@std/path";

import { HttpProblem, messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { connByteStream } from "../../core/rpc/conn_byte_stream.ts";
import { joinStreams } from "../../core/rpc/join_streams.ts";
import type { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { listenPrivately } from "../../core/socket/private_listener.ts";
import { openTemporaryDirectory } from "../../core/temporary_directory.ts";

/** The newest way to each agent that has one. */
export class Tunnels {
  readonly #log: Logger;
  readonly #tunnels = new Map<string, AgentTunnel>();
  readonly #ending = new Set<Promise<void>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** An agent connected that takes streams. */
  readonly opened = (agentId: string, session: YamuxSession): void => {
    const tunnel = new AgentTunnel(session, this.#log);
    this.#tunnels.set(agentId, tunnel);
    const ending = session.closed.then(async () => {
      if (this.#tunnels.get(agentId) === tunnel) this.#tunnels.delete(agentId);
      await tunnel.close();
    }).catch((error) => {
      this.#log.warn("way to an agent not taken away", { agent: agentId, error: messageOf(error) });
    }).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  };

  /** Whether there is a way to the agent. */
  readonly isOpen = (agentId: string): boolean => this.#tunnels.has(agentId);

  /**
   * What to fetch with: every host leads to the agent.
   *
   * @throws {HttpProblem} 503 when the agent is not connected, or takes no streams.
   */
  async client(agentId: string): Promise<Deno.HttpClient> {
    return (await this.#tunnel(agentId).open()).client;
  }

  /**
   * Path of a socket that leads to the agent.
   *
   * @throws {HttpProblem} As {@linkcode client} does.
   */
  async socket(agentId: string): Promise<string> {
    return (await this.#tunnel(agentId).open()).path;
  }

  #tunnel(agentId: string): AgentTunnel {
    const tunnel = this.#tunnels.get(agentId);
    if (tunnel !== undefined) return tunnel;
    throw new HttpProblem(503, "The agent cannot be reached", {
      detail: "it is not connected, or lets nobody in over its connection",
      headers: { "retry-after": "1" },
    });
  }

  /** Resolves when nothing is left of the ways whose connections have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#ending);
  }
}

/**
 * One connection of one agent. The runtime's HTTP client speaks only through sockets, so there is one in a private directory; what connects
 * to it gets a stream of its own to the agent.
 */
class AgentTunnel {
  readonly #session: YamuxSession;
  readonly #log: Logger;
  #opening: Promise<OpenSocket> | undefined;

  constructor(session: YamuxSession, log: Logger) {
    this.#session = session;
    this.#log = log;
  }

  async open(): Promise<OpenSocket> {
    try {
      return await (this.#opening ??= this.#open());
    } catch (error) {
      // The next request may find more room.
      this.#opening = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    // When it could not be opened, the request that needed it has failed.
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<OpenSocket> {
    await using opening = new AsyncDisposableStack();
    const directory = opening.use(await openTemporaryDirectory("control-plane-tunnel-"));
    const path = join(directory.path, "agent.sock");
    const failed = (error: unknown) => this.#log.warn("way to an agent broken", { error: messageOf(error) });
    const listener = await listenPrivately(path, (connection) => this.#join(connByteStream(connection)), failed);
    opening.defer(() => listener.close());
    const client = opening.adopt(Deno.createHttpClient({ proxy: { transport: "unix", path } }), (it) => it.close());
    const opened = opening.move();
    return { path, client, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  }

  async #join(near: ByteStream): Promise<void> {
    try {
      await joinStreams(near, await this.#session.open());
    } catch {
      // The session is over: whoever waits for the answer sees the end of its connection.
      near.close();
    }
  }
}

interface OpenSocket extends AsyncDisposable {
  readonly path: string;
  readonly client: Deno.HttpClient;
}
