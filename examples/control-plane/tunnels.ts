/**
 * Ways to the HTTP APIs of agents, over the connections the agents themselves opened.
 *
 * @module
 */
import { join } from "@std/path";

import { HttpProblem } from "../../core/errors.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { connByteStream } from "../../core/rpc/conn_byte_stream.ts";
import { joinStreams } from "../../core/rpc/join_streams.ts";
import type { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { bindPrivately } from "../../core/socket/unix_path.ts";

/** The newest way to each agent that has one. */
export class Tunnels {
  readonly #tunnels = new Map<string, AgentTunnel>();
  readonly #ending = new Set<Promise<void>>();

  /** An agent connected that takes streams. */
  readonly opened = (agentId: string, session: YamuxSession): void => {
    const tunnel = new AgentTunnel(session);
    this.#tunnels.set(agentId, tunnel);
    const ending = session.closed.then(async () => {
      if (this.#tunnels.get(agentId) === tunnel) this.#tunnels.delete(agentId);
      await tunnel.close();
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
  readonly #running = new Set<Promise<void>>();
  #opening: Promise<OpenSocket> | undefined;
  #isClosed = false;

  constructor(session: YamuxSession) {
    this.#session = session;
  }

  async open(): Promise<OpenSocket> {
    return await (this.#opening ??= this.#open());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // When it could not be opened, the request that needed it has failed.
    const opened = await this.#opening?.catch(() => undefined);
    if (opened === undefined) return;
    opened.client.close();
    opened.listener.close();
    await opened.accepting;
    await Promise.all(this.#running);
    await Deno.remove(opened.directory, { recursive: true });
  }

  async #open(): Promise<OpenSocket> {
    const directory = await Deno.makeTempDir({ prefix: "control-plane-tunnel-" });
    const path = join(directory, "agent.sock");
    const listener = bindPrivately(path, () => Deno.listen({ transport: "unix", path }));
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
    return { directory, path, listener, client, accepting: this.#accept(listener) };
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    for await (const connection of listener) {
      const joined = this.#join(connByteStream(connection)).finally(() => this.#running.delete(joined));
      this.#running.add(joined);
    }
  }

  async #join(near: ByteStream): Promise<void> {
    try {
      if (this.#isClosed) return near.close();
      await joinStreams(near, await this.#session.open());
    } catch {
      // The session is over: whoever waits for the answer sees the end of its connection.
      near.close();
    }
  }
}

interface OpenSocket {
  readonly directory: string;
  readonly path: string;
  readonly listener: Deno.Listener;
  readonly client: Deno.HttpClient;
  readonly accepting: Promise<void>;
}
