/**
 * The connection to the control plane: comes, goes, and comes back, until the agent stops.
 *
 * This module loads neither protobuf nor the protocols; an agent without a control plane never does.
 *
 * @module
 */
import { elapsedOn } from "../clock.ts";
import { messageOf, RpcUnavailableError, type RpcUnavailableReason } from "../errors.ts";
import type { Clock, Logger, Rpc } from "../plugin.ts";
import { formatVersion } from "./api_version.ts";
import { Backoff } from "./backoff.ts";
import type { CallOptions } from "./drpc/client.ts";
import { lazyClient, type LinkSource } from "./lazy_client.ts";
import type { RpcLink } from "./link.ts";
import { Routine } from "./routine.ts";

/** Time after which a connection counts as stable, so that the next loss is met with the shortest pause, in milliseconds. */
const STABLE_MS = 30_000;
/** Time for routines to end when the connection is closed for good, in milliseconds. */
const ROUTINES_END_MS = 2_000;

/** Time for the other side to answer the end of the connection, in milliseconds. */
const CLOSE_MS = 5_000;

/** What {@linkcode RpcConnection} takes. */
export interface RpcConnectionOptions {
  /** Makes one connection. Absent: no control plane is configured, and calls say so. */
  readonly dial?: (signal: AbortSignal) => Promise<RpcLink>;
  /** Asks the control plane over plain HTTP. Absent: requests say that none is configured. */
  readonly fetch?: Rpc["fetch"];
  /** The agent's token. Absent: none is configured. */
  readonly token?: Rpc["token"];
  readonly clock: Clock;
  readonly log: Logger;
  readonly backoff?: Backoff;
}

/** Where the connection stands. */
export interface RpcStatus {
  readonly state: "off" | "connecting" | "connected" | "waiting" | "stopped";
  /** Version of the agent API, while connected. */
  readonly version?: string;
  /** Why the last attempt or connection ended. */
  readonly lastError?: string;
}

/** Whose access it is. */
export interface RpcOwner {
  /** Aborted when the plugin stops: its routines end. */
  readonly signal?: AbortSignal;
  /** Throws when the plugin may not register anything any more. */
  readonly assertOpen?: (wanted: string) => void;
  /** Wraps each run of the plugin's work. */
  readonly enter?: <T>(work: () => Promise<T>) => Promise<T>;
}

/** One plugin's access. Release it when the plugin stops: its routines are aborted and awaited. */
export interface RpcAccess extends Rpc, AsyncDisposable {
  /**
   * Makes a unary call by its path, with the request as it travels.
   *
   * @throws {RpcUnavailableError} While disconnected. @throws {RpcError} When the control plane answers with an error.
   */
  invoke(path: string, request: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
}

/**
 * Keeps one link up. Wire it so: `start()` when the plugins run, `drain()` when the shutdown begins, `stop()` when every
 * plugin has stopped; `open()` gives each plugin its own access.
 */
export class RpcConnection {
  readonly #options: RpcConnectionOptions;
  readonly #backoff: Backoff;
  readonly #drained = new AbortController();
  readonly #stopped = new AbortController();
  readonly #routines = new Set<Routine>();
  #link: { readonly link: RpcLink; readonly over: AbortController } | undefined;
  #status: RpcStatus = { state: "off" };
  #running: Promise<void> | undefined;

  constructor(options: RpcConnectionOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff();
  }

  /** Where the connection stands now. */
  get status(): RpcStatus {
    return this.#status;
  }

  /** Starts to connect. Without a control plane it does nothing. */
  start(): void {
    if (this.#options.dial === undefined || this.#drained.signal.aborted) return;
    this.#running ??= this.#run(this.#options.dial);
  }

  /**
   * The agent begins to stop: routines with `until: "drain"` end, and there is no further attempt to connect. An attempt that is under
   * way may still succeed, for last words.
   */
  drain(): void {
    this.#drained.abort(new Error("the agent stops"));
  }

  /** Ends every routine, then the connection. Calling it again waits for the same end. */
  async stop(): Promise<void> {
    this.drain();
    this.#stopped.abort(new Error("the agent has stopped"));
    const settled = Promise.all([...this.#routines].map((routine) => routine.settled));
    await this.#within(ROUTINES_END_MS, settled);
    const link = this.#link?.link;
    link?.close();
    await this.#running;
    if (link !== undefined) await this.#within(CLOSE_MS, link.released);
    this.#status = { ...this.#status, state: "stopped" };
  }

  /** Access for one plugin. */
  open(owner: RpcOwner = {}): RpcAccess {
    const { enter = (work) => work(), assertOpen, signal } = owner;
    const own = new Set<Routine>();
    const linkFor: LinkSource = (method) => this.#linkFor(method);
    const rpc: Rpc = {
      isConfigured: this.#options.dial !== undefined,
      fetch: this.#options.fetch ?? ((path) => Promise.reject(new RpcUnavailableError(path, "not_configured"))),
      token: this.#options.token ?? (() => Promise.reject(new RpcUnavailableError("token", "not_configured"))),
      client: (service) => lazyClient(service, linkFor),
      whileConnected: (name, work, options = {}) => {
        assertOpen?.(`run "${name}" while connected`);
        const until = options.until ?? "drain";
        // A call that nobody answers ends with the routine that waits for it.
        const within = (ends: AbortSignal): Rpc => ({
          ...rpc,
          client: (service) => lazyClient(service, linkFor, ends),
        });
        const routine = new Routine({ name, until, signal, work: (ends) => enter(() => work(within(ends), ends)) });
        own.add(routine);
        this.#routines.add(routine);
        void this.#begin(routine);
      },
    };
    return {
      ...rpc,
      invoke: async (path, request, options) => {
        const name = path.slice(path.lastIndexOf("/") + 1);
        return await this.#linkFor(name).rawChannel(name).invoke(path, request, options);
      },
      [Symbol.asyncDispose]: async () => {
        for (const routine of own) this.#routines.delete(routine);
        await Promise.all([...own].map((routine) => routine.remove(new Error("the plugin stops"))));
      },
    };
  }

  /** Waits for `work`, but not longer than `ms`. */
  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const enough = new AbortController();
    await Promise.race([work, this.#options.clock.sleep(ms, enough.signal).catch(() => {})]);
    enough.abort();
  }

  #linkFor(method: string): RpcLink {
    if (this.#link !== undefined) return this.#link.link;
    throw new RpcUnavailableError(method, this.#unavailable());
  }

  #unavailable(): RpcUnavailableReason {
    if (this.#options.dial === undefined) return "not_configured";
    return this.#drained.signal.aborted ? "stopping" : "disconnected";
  }

  async #run(dial: (signal: AbortSignal) => Promise<RpcLink>): Promise<void> {
    while (!this.#drained.signal.aborted) {
      try {
        this.#status = { ...this.#status, state: "connecting" };
        await this.#hold(await dial(this.#stopped.signal));
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.#ended(error);
        this.#options.log.warn("cannot connect to the control plane", { error: messageOf(error) });
      }
      await this.#options.clock.sleep(this.#backoff.next(), this.#drained.signal).catch(() => {});
    }
  }

  /** Keeps a link until it is over. */
  async #hold(link: RpcLink): Promise<void> {
    const { clock, log } = this.#options;
    const since = elapsedOn(clock);
    const version = formatVersion(link.version);
    const over = new AbortController();
    this.#link = { link, over };
    this.#status = { state: "connected", version };
    log.info("connected to the control plane", { version });
    if (this.#stopped.signal.aborted) link.close();
    for (const routine of this.#routines) void this.#begin(routine);
    const reason = await link.closed;
    this.#link = undefined;
    over.abort(reason);
    if (elapsedOn(clock) - since >= STABLE_MS) this.#backoff.reset();
    this.#ended(reason);
    if (!this.#drained.signal.aborted) log.info("disconnected from the control plane", { reason: reason.message });
  }

  #ended(error: unknown): void {
    this.#status = { state: "waiting", lastError: messageOf(error) };
  }

  /** Runs a routine for the present link, if there is one. */
  async #begin(routine: Routine): Promise<void> {
    const present = this.#link;
    if (present === undefined) return;
    const { log } = this.#options;
    const ends = [present.over.signal, this.#stopped.signal];
    if (routine.until === "drain") ends.push(this.#drained.signal);
    const { kind, error } = await routine.run(AbortSignal.any(ends));
    if (kind === "unsupported") {
      log.info("routine needs a newer control plane", { routine: routine.name, reason: messageOf(error) });
    }
    if (kind !== "failed") return;
    log.warn("routine failed, connecting again", { routine: routine.name, error: messageOf(error) });
    present.link.close();
  }
}
