/**
 * What the tests of this plugin share: an agent with an agent socket, and a caller.
 *
 * @module
 */
import { join } from "@std/path";

import type { Plugin, ServiceClient } from "../../core/plugin.ts";
import { AgentSocket } from "../../core/proto/gen/agentsocket_pb.ts";
import { connByteStream } from "../../core/rpc/conn_byte_stream.ts";
import { DrpcClient } from "../../core/rpc/drpc/client.ts";
import { typedClient } from "../../core/rpc/typed_client.ts";
import { createTestAgent, type TestAgent, type TestControlPlane } from "../../core/testing/mod.ts";
import agentsocket from "./mod.ts";

/** An agent that serves its socket in a folder of its own. */
export class SocketAgent implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;
  readonly #connections: DrpcClient[] = [];

  private constructor(folder: string, readonly agent: TestAgent) {
    this.#folder = folder;
    this.path = pathIn(folder);
  }

  /** Starts it, with other plugins beside it. */
  static async start(controlPlane?: TestControlPlane, others: readonly Plugin[] = []): Promise<SocketAgent> {
    const folder = await Deno.makeTempDir({ prefix: "agentsocket-" });
    const agent = await createTestAgent({
      plugins: [agentsocket, ...others],
      agent: { listen: { tcp: null, unix: null, agentSocket: pathIn(folder) } },
      controlPlane,
    });
    return new SocketAgent(folder, agent);
  }

  /** A new connection's calls. */
  async call(): Promise<ServiceClient<typeof AgentSocket>> {
    const connection = new DrpcClient(connByteStream(await Deno.connect({ transport: "unix", path: this.path })));
    this.#connections.push(connection);
    return typedClient(AgentSocket, () => connection);
  }

  /** Hangs up and stops the agent. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close();
    await this.agent[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function pathIn(folder: string): string {
  return join(folder, "rpc.sock");
}
