/**
 * The agent socket: protobuf services of plugins, for processes inside the workspace. dRPC directly on a Unix socket.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { Clock, DescriptorSource, Logger, ServiceDescriptor, ServiceImplementation } from "../plugin.ts";
import type { LostFiles } from "./lost_files.ts";
import { listenPrivately, type PrivateListener } from "./private_listener.ts";

/** Most connections served at once; further ones are closed. Bounds what a runaway script can hold. */
const MAX_CONNECTIONS = 1024;

/** What {@linkcode AgentSocket} takes. */
export interface AgentSocketOptions {
  /** `null` serves nothing. */
  readonly path: string | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** Watches over the socket's file. Default: nobody does. */
  readonly lostFiles?: Pick<LostFiles, "watch">;
}

type Router = import("../rpc/service_router.ts").ServiceRouter;

interface Served {
  readonly service: DescriptorSource<ServiceDescriptor>;
  readonly implementation: ServiceImplementation<ServiceDescriptor>;
  registering?: Promise<void>;
  registered?: Disposable;
}

/**
 * Serves every registered service on one socket. There is no socket before there is a service, and the protocol is loaded when the first
 * caller connects. Wire it so: `add` in a plugin's context, `start()` when the plugins run, `close()` when they have stopped.
 */
export class AgentSocket {
  readonly #options: AgentSocketOptions;
  readonly #services = new Set<Served>();
  #router: Router | undefined;
  #listener: PrivateListener | undefined;
  #watch: Disposable | undefined;
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

  /** Adds a service; dispose the result to take it away. A service that is there already is an error in the log, once somebody calls. */
  add<S extends ServiceDescriptor>(
    service: DescriptorSource<S>,
    implementation: ServiceImplementation<S>,
  ): AsyncDisposable {
    const served: Served = {
      service,
      implementation: implementation as unknown as ServiceImplementation<ServiceDescriptor>,
    };
    this.#services.add(served);
    if (this.#isStarted) void this.start();
    // Callers that are connected already may want it.
    if (this.#router !== undefined) void this.#routerOfAll();
    return {
      [Symbol.asyncDispose]: async () => {
        this.#services.delete(served);
        await served.registering;
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
    this.#watch?.[Symbol.dispose]();
    await this.#listener?.close();
    this.#listener = undefined;
  }

  async #open(): Promise<void> {
    const { path, log } = this.#options;
    if (path === null || this.#services.size === 0 || !this.#isStarted) return;
    if (this.#listener !== undefined) return;
    const listener = await listenPrivately(
      path,
      (connection, signal) => this.#serve(connection, signal),
      (error) => log.debug("agent socket connection failed", { error: messageOf(error) }),
    );
    this.#listener = listener;
    this.#watch = this.#options.lostFiles?.watch(path, () => listener.restore());
    log.debug("agent socket is ready", { path });
  }

  /** Knows every service of this moment. */
  async #routerOfAll(): Promise<Router> {
    const { ServiceRouter } = await import("../rpc/service_router.ts");
    const router = this.#router ??= new ServiceRouter();
    for (const served of this.#services) await (served.registering ??= this.#register(router, served));
    return router;
  }

  async #register(router: Router, served: Served): Promise<void> {
    try {
      const service = typeof served.service === "function" ? await served.service() : served.service;
      if (this.#services.has(served)) served.registered = router.add(service, served.implementation);
    } catch (error) {
      this.#options.log.error("cannot serve on the agent socket", { error: messageOf(error) });
    }
  }

  async #serve(connection: Deno.UnixConn, signal: AbortSignal): Promise<void> {
    if (this.#connections >= MAX_CONNECTIONS) {
      this.#options.log.warn("agent socket refuses a connection", { limit: MAX_CONNECTIONS });
      return;
    }
    this.#connections += 1;
    try {
      const router = await this.#routerOfAll();
      const { connByteStream } = await import("../rpc/conn_byte_stream.ts");
      const { serveDrpc } = await import("../rpc/drpc/server.ts");
      await serveDrpc(connByteStream(connection), router.handle, { signal, clock: this.#options.clock });
    } finally {
      this.#connections -= 1;
    }
  }
}
