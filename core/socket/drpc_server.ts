/**
 * The agent socket: protobuf services of plugins, for processes inside the workspace. dRPC directly on a Unix socket.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { Clock, Logger, ServiceDescriptor, ServiceImplementation } from "../plugin.ts";
import { listenPrivately, type PrivateListener } from "./private_listener.ts";

/** Most connections served at once; further ones are closed. Bounds what a runaway script can hold. */
const MAX_CONNECTIONS = 1024;

/** What {@linkcode AgentSocket} takes. */
export interface AgentSocketOptions {
  /** `null` serves nothing. */
  readonly path: string | null;
  readonly clock: Clock;
  readonly log: Logger;
}

type Router = import("../rpc/service_router.ts").ServiceRouter;

interface Served {
  readonly service: ServiceDescriptor;
  readonly implementation: ServiceImplementation<ServiceDescriptor>;
  registered?: Disposable;
}

/**
 * Serves every registered service on one socket. Neither the socket nor the protocol is loaded before there is a service. Wire it
 * so: `add` in a plugin's context, `start()` when the plugins run, `close()` when they have stopped.
 */
export class AgentSocket {
  readonly #options: AgentSocketOptions;
  readonly #services = new Set<Served>();
  #router: Router | undefined;
  #listener: PrivateListener | undefined;
  #opening: Promise<void> | undefined;
  #isStarted = false;
  #connections = 0;

  constructor(options: AgentSocketOptions) {
    this.#options = options;
  }

  /** Where the socket is; `undefined` while nothing is served. */
  get path(): string | undefined {
    return this.#listener?.path;
  }

  /** Adds a service; dispose the result to take it away. A service that is there already is an error in the log, once it starts. */
  add<S extends ServiceDescriptor>(service: S, implementation: ServiceImplementation<S>): AsyncDisposable {
    const served: Served = {
      service,
      implementation: implementation as unknown as ServiceImplementation<ServiceDescriptor>,
    };
    this.#services.add(served);
    if (this.#isStarted) void this.start();
    return {
      [Symbol.asyncDispose]: async () => {
        this.#services.delete(served);
        await this.#opening;
        served.registered?.[Symbol.dispose]();
      },
    };
  }

  /** Listens when there is something to serve. A socket that cannot be made is logged: the agent runs without it. */
  start(): Promise<void> {
    this.#isStarted = true;
    const { log, path } = this.#options;
    this.#opening = (this.#opening ?? Promise.resolve()).then(() => this.#open()).catch((error) => {
      log.error("cannot serve the agent socket", { path, error: messageOf(error) });
    });
    return this.#opening;
  }

  /** Stops accepting, cancels open calls, and removes the file. */
  async close(): Promise<void> {
    this.#isStarted = false;
    await this.#opening;
    await this.#listener?.close();
    this.#listener = undefined;
  }

  async #open(): Promise<void> {
    const { path, log } = this.#options;
    if (path === null || this.#services.size === 0 || !this.#isStarted) return;
    const { ServiceRouter } = await import("../rpc/service_router.ts");
    const router = this.#router ??= new ServiceRouter();
    for (const served of this.#services) served.registered ??= router.add(served.service, served.implementation);
    if (this.#listener !== undefined) return;
    this.#listener = await listenPrivately(
      path,
      (connection, signal) => this.#serve(router, connection, signal),
      (error) => log.debug("agent socket connection failed", { error: messageOf(error) }),
    );
    log.info("agent socket is ready", { path });
  }

  async #serve(router: Router, connection: Deno.UnixConn, signal: AbortSignal): Promise<void> {
    if (this.#connections >= MAX_CONNECTIONS) {
      this.#options.log.warn("agent socket refuses a connection", { limit: MAX_CONNECTIONS });
      return;
    }
    this.#connections += 1;
    try {
      const { connByteStream } = await import("../rpc/conn_byte_stream.ts");
      const { serveDrpc } = await import("../rpc/drpc/server.ts");
      await serveDrpc(connByteStream(connection), router.handle, { signal, clock: this.#options.clock });
    } finally {
      this.#connections -= 1;
    }
  }
}
