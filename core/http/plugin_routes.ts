/**
 * The routes of one plugin: a Hono app of its own, limits per path, and WebSockets.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";

import { type Context, Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";

import { HttpProblem, type PluginPhase, ScopeClosedError } from "../errors.ts";
import type { Awaitable, Clock, RouteLimits, Routes, WebSocketOpener, WebSocketOptions } from "../plugin.ts";
import { isClientGone } from "./client_gone.ts";
import type { Exchange } from "./exchange.ts";
import { patternOf, unmatched } from "./fallback.ts";
import { type ProblemPlace, problemResponse } from "./problem.ts";
import type { QueueBudget } from "./queue_budget.ts";
import type { RouteDescription } from "./route_description.ts";
import { Channel, SocketClosedError } from "./socket_channel.ts";

/** How the driver of plugins is told what goes on in their routes. */
export interface RouteHooks {
  /** Runs plugin code in its owner's context. */
  enter<T>(phase: PluginPhase, fn: () => T): T;
  /** An error left plugin code. The client was already answered. */
  failed(phase: PluginPhase, error: unknown): void;
}

/** Routes of one plugin, as the driver holds them. */
export interface PluginRoutes extends Routes {
  /** Prefix of every path. */
  readonly base: string;
  /** Limits that were set, in their order. */
  readonly limits: readonly { readonly path: string; readonly limits: RouteLimits }[];
  /** Loads what the plugin says about its routes. */
  descriptions(): Promise<readonly RouteDescription[]>;
  /** No route can be added any more: what comes late gets a {@linkcode ScopeClosedError}. */
  seal(): void;
  /** Closes every open channel, and every one that is being opened. */
  closeSockets(code: number, reason: string): void;
  /** Resolves when no handler and no channel's function is running, and every closed channel's peer knows of it. */
  idle(): Promise<void>;
}

/** What routes share with the server they belong to. */
export interface RouteSurroundings {
  readonly clock: Clock;
  /** Ping period and patience of WebSockets, in milliseconds. */
  readonly heartbeatMs: number;
  /** Takes one of the places for open WebSockets, or throws the problem to answer with. Returns what gives it back. */
  readonly admitSocket: () => () => void;
  /** For what waits for the clients of WebSockets. */
  readonly queues: QueueBudget;
}

/** Time a peer has to answer a close frame, in milliseconds; a dead one must not hold up the agent's stop. */
const FAREWELL_MS = 1000;
/** Longest message accepted from a peer, in bytes, unless the route says otherwise. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Bytes queued in either direction, unless the route says otherwise. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;

/** Implements {@linkcode PluginRoutes}; the front calls {@linkcode MountedRoutes.dispatch}. */
export class MountedRoutes implements PluginRoutes {
  readonly app: Hono;
  readonly limits: { readonly path: string; readonly limits: RouteLimits }[] = [];
  readonly #limits = new TrieRouter<RouteLimits>();
  readonly #describers: (() => Awaitable<readonly RouteDescription[]>)[] = [];
  readonly #channels = new Set<Channel>();
  readonly #waiting: (() => void)[] = [];
  #hasLimits = false;
  #isSealed = false;
  #running = 0;
  /** Set once sockets were told to close: what is opened later closes the same way. */
  #closing: { readonly code: number; readonly reason: string } | undefined;

  /** @param base Prefix of every path: `/api/v0/<mount>`, or `/api/v0` when the plugin claims segments. */
  constructor(
    readonly plugin: string,
    readonly base: string,
    readonly hooks: RouteHooks,
    readonly surroundings: RouteSurroundings,
  ) {
    this.app = new Hono().basePath(base);
    this.app.notFound((c) => problemResponse(unmatched(this.app, c.req.method, c.req.path), placeOf(c)));
    this.app.onError((error, c) => this.#failed(error, c.env as Partial<Exchange> | undefined));
  }

  limit(path: string, limits: RouteLimits): void {
    this.#refuseWhenSealed("set a limit");
    this.#hasLimits = true;
    this.limits.push({ path, limits });
    this.#limits.add("ALL", joinPath(this.base, path), limits);
  }

  describe(load: () => Awaitable<readonly RouteDescription[]>): void {
    this.#refuseWhenSealed("describe routes");
    this.#describers.push(load);
  }

  async descriptions(): Promise<readonly RouteDescription[]> {
    const loading = this.#describers.map((load) => this.hooks.enter("route", () => load()));
    return (await Promise.all(loading)).flat();
  }

  webSocket(path: string, open: WebSocketOpener, options: WebSocketOptions = {}): void {
    this.app.get(path, async (c) => {
      const exchange = c.env as Partial<Exchange> | undefined;
      if (c.req.header("upgrade")?.toLowerCase() !== "websocket" || !exchange?.connection?.upgrade) {
        throw new HttpProblem(426, "This route speaks WebSocket only", { headers: { upgrade: "websocket" } });
      }
      const answer = await open(c);
      if (typeof answer !== "function") return answer;
      return this.#upgrade(exchange as Exchange, answer, options);
    });
  }

  seal(): void {
    if (this.#isSealed) return;
    this.#isSealed = true;
    this.app.router.match("GET", this.base);
    this.app.router.add = () => this.#refuseWhenSealed("add a route");
  }

  closeSockets(code: number, reason: string): void {
    this.#closing = { code, reason };
    for (const channel of this.#channels) channel.close(code, reason);
  }

  idle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The limits that hold for a path; the last one registered wins, field by field. */
  limitsFor(path: string): RouteLimits | undefined {
    if (!this.#hasLimits) return undefined;
    const found = this.#limits.match("GET", path)[0];
    return found.length === 0 ? undefined : Object.assign({}, ...found.map(([limits]) => limits));
  }

  /** The pattern that answers a request. */
  patternOf(method: string, path: string): string {
    return patternOf(this.app, method, path);
  }

  /** Lets the plugin answer. Never throws and never rejects. */
  dispatch(request: Request, exchange: Exchange): Response | Promise<Response> {
    this.#running++;
    try {
      const answer = this.hooks.enter("route", () => this.app.fetch(request, exchange));
      if (!(answer instanceof Promise)) {
        this.#done();
        return answer;
      }
      return answer.then(
        (response) => (this.#done(), response),
        (error) => (this.#done(), this.#failed(error, exchange)),
      );
    } catch (error) {
      this.#done();
      return this.#failed(error, exchange);
    }
  }

  #upgrade(
    exchange: Exchange,
    use: (channel: Channel) => unknown,
    { heartbeat = true, maxMessageBytes = MAX_MESSAGE_BYTES, maxQueuedBytes = MAX_QUEUED_BYTES }: WebSocketOptions,
  ): Response {
    const leave = this.surroundings.admitSocket();
    // The server opens the channel later, outside of this request's context.
    const inContext = AsyncLocalStorage.snapshot();
    const heartbeatMs = heartbeat ? this.surroundings.heartbeatMs : 0;
    const channel = new Channel({
      clock: this.surroundings.clock,
      maxMessageBytes,
      maxQueuedBytes,
      budget: this.surroundings.queues,
      stallMs: 2 * heartbeatMs,
      opened: () => void inContext(() => this.#use(channel, use)),
    });
    this.#channels.add(channel);
    void this.#awaitFarewell(channel);
    channel.closed.then(() => {
      this.#channels.delete(channel);
      leave();
    });
    if (this.#closing) channel.close(this.#closing.code, this.#closing.reason);
    try {
      const response = exchange.connection.upgrade!(exchange.request, { heartbeatMs, maxMessageBytes }, channel);
      exchange.isUpgraded = true;
      return response;
    } catch (error) {
      channel.ended(1006, "");
      throw new HttpProblem(400, "Cannot upgrade to WebSocket", { cause: error });
    }
  }

  async #use(channel: Channel, use: (channel: Channel) => unknown): Promise<void> {
    this.#running++;
    try {
      await this.hooks.enter("webSocket", () => use(channel));
      channel.close(1000);
    } catch (error) {
      // The channel closed while something was being sent: its end, not a fault.
      if (!(error instanceof SocketClosedError)) this.#report("webSocket", error);
      channel.close(1011, "Internal error");
    } finally {
      this.#done();
    }
  }

  /** Counts as running until the peer knows of the end: a server that stops before that cuts the closing handshake short. */
  async #awaitFarewell(channel: Channel): Promise<void> {
    this.#running++;
    await channel.closed;
    const heard = new AbortController();
    channel.gone.then(() => heard.abort());
    await this.surroundings.clock.sleep(FAREWELL_MS, heard.signal).catch(() => {}); // Aborted: the peer has answered.
    this.#done();
  }

  #failed(error: unknown, exchange: Partial<Exchange> | undefined): Response {
    const place = exchange?.place?.() ?? {};
    if (exchange?.request !== undefined && isClientGone(error, exchange.request)) {
      return problemResponse(new HttpProblem(499, "The client is gone", { code: "client_gone" }), place);
    }
    this.#report("route", error);
    return problemResponse(error, place);
  }

  #report(phase: PluginPhase, error: unknown): void {
    if (!(error instanceof Error && error.name === "HttpProblem")) this.hooks.failed(phase, error);
  }

  #done(): void {
    if (--this.#running === 0) { for (const resolve of this.#waiting.splice(0)) resolve(); }
  }

  #refuseWhenSealed(wanted: string): void {
    if (this.#isSealed) throw new ScopeClosedError(this.plugin, wanted);
  }
}

/** Without a front, as in a test of the app alone, there is nothing to say. */
function placeOf(c: Context): ProblemPlace {
  return (c.env as Partial<Exchange> | undefined)?.place?.() ?? {};
}

/** Joins as Hono does, so that a limit's path means the same as a route's. */
function joinPath(base: string, path: string): string {
  return `${base.replace(/\/$/, "")}${path === "/" ? "" : path.startsWith("/") ? path : `/${path}`}` || "/";
}
