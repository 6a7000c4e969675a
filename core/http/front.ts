/**
 * Where every request comes in: checks who asks, finds the plugin, keeps to the limits, and answers in one voice.
 *
 * @module
 */
import { getPath } from "hono/utils/url";

import { asError, DeadlineError, HttpProblem, type PluginPhase } from "../errors.ts";
import { withLogFields } from "../log.ts";
import type { Clock, Logger } from "../plugin.ts";
import { logAccess } from "./access_log.ts";
import { Auth } from "./auth.ts";
import { BodyBudget } from "./body_budget.ts";
import { addCoreRoutes, type CoreAnswers, isOpenPath, RESERVED_SEGMENTS } from "./core_routes.ts";
import { Deadlines } from "./deadlines.ts";
import { CORE, Exchange } from "./exchange.ts";
import type { Connection, FrontDoor } from "./front_door.ts";
import { HostCheck } from "./host_check.ts";
import { boundBody, DEFAULT_LIMITS, type FrontLimits } from "./limits.ts";
import { MountedRoutes, type PluginRoutes, type RouteHooks } from "./plugin_routes.ts";
import { API_PREFIX, type Mount, PrefixTable, unavailableProblem } from "./prefix_table.ts";
import { problemResponse } from "./problem.ts";
import { QueueBudget } from "./queue_budget.ts";

/** One answered request, for metrics. */
export interface Observation {
  /** The plugin that answered, or `core`. */
  readonly plugin: string;
  /** Pattern of its route; `unmatched` when there is none. Never holds what a client sent. */
  readonly route: string;
  /** The method, or `other`. */
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

/** What a front is made of. */
export interface FrontOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The API token. Requests over TCP need it, or a browser session. */
  readonly token: string;
  readonly core: CoreAnswers;
  /** Names accepted in `Host` beside loopback, with or without port. */
  readonly hosts?: readonly string[];
  readonly limits?: Partial<FrontLimits>;
  /** Whether requests that went well are logged at `debug`. Default `true`; `false` spares making the line. */
  readonly logsRequests?: boolean;
  /** Called after each answer; must not throw. */
  readonly observe?: (observation: Observation) => void;
  /** Told when the core's own routes throw. Default: logged as an error. */
  readonly failed?: (phase: PluginPhase, error: unknown) => void;
}

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** Whatever a plugin serves to a browser with a session is shown without running scripts in this server's name. */
const SANDBOX = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'";

/** The HTTP front of one agent. Listeners call {@linkcode Front.fetch}; close it when they have stopped. */
export class Front implements FrontDoor {
  baseUrl: string | undefined;
  readonly #options: FrontOptions;
  readonly #limits: FrontLimits;
  readonly #table = new PrefixTable(RESERVED_SEGMENTS);
  readonly #hosts: HostCheck;
  readonly #auth: Auth;
  readonly #deadlines: Deadlines;
  readonly #core: MountedRoutes;
  readonly #bodies: BodyBudget;
  readonly #queues: QueueBudget;
  #requests = 0;
  #webSockets = 0;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#bodies = new BodyBudget(this.#limits.maxTotalBodyBytes);
    this.#queues = new QueueBudget(this.#limits.maxTotalQueuedBytes);
    this.#hosts = new HostCheck(options.hosts);
    this.#auth = new Auth(options.token, options.clock);
    this.#deadlines = new Deadlines(options.clock);
    this.#core = this.#routes(CORE, "/", {
      enter: (_phase, fn) => fn(),
      failed: options.failed ?? ((_phase, error) => options.log.error("core route failed", { error: asError(error) })),
    });
    addCoreRoutes(this.#core, options.core, this.#auth, () => this.baseUrl);
    this.#core.seal();
  }

  /**
   * Routes for a plugin to register on. They answer once its mount serves them.
   *
   * @param segments As in `PluginDefinition.mount`: one segment becomes the prefix; with a list, paths start at `/api/v0`.
   */
  createRoutes(plugin: string, segments: string | readonly string[], hooks: RouteHooks): PluginRoutes {
    return this.#routes(plugin, typeof segments === "string" ? `${API_PREFIX}/${segments}` : API_PREFIX, hooks);
  }

  /**
   * Claims first segments under `/api/v0` for a plugin. Until the driver sets another answer they say 503, starting.
   *
   * @throws {RangeError} When a segment is taken.
   */
  mount(plugin: string, segments: string | readonly string[]): Mount {
    return this.#table.claim(plugin, segments);
  }

  fetch(request: Request, connection: Connection): Response | Promise<Response> {
    const exchange = new Exchange(request, connection, getPath(request));
    return withLogFields(exchange.logFields(), () => {
      const answer = this.#answer(exchange);
      return answer instanceof Promise
        ? answer.then((response) => this.#finish(exchange, response))
        : this.#finish(exchange, answer);
    });
  }

  /** Ends what the front itself keeps running. Requests in progress go on without deadlines. */
  close(): void {
    this.#deadlines.close();
  }

  #routes(plugin: string, base: string, hooks: RouteHooks): MountedRoutes {
    return new MountedRoutes(plugin, base, hooks, {
      clock: this.#options.clock,
      heartbeatMs: this.#limits.heartbeatMs,
      admitSocket: () => this.#admitSocket(),
      queues: this.#queues,
    });
  }

  #answer(exchange: Exchange): Response | Promise<Response> {
    try {
      this.#check(exchange);
      const routes = this.#routesFor(exchange);
      return this.#serve(routes, exchange);
    } catch (error) {
      return problemResponse(error, exchange.place());
    }
  }

  #check(exchange: Exchange): void {
    const { request, connection, path, host } = exchange;
    if (connection.transport === "tcp") this.#hosts.checkHost(host);
    this.#hosts.checkOrigin(request.headers.get("origin"), host);
    if (connection.transport === "unix") exchange.authority = "socket";
    else if (connection.transport === "tunnel") exchange.authority = "tunnel";
    else if (!isOpenPath(path)) exchange.authority = this.#auth.check(request);
  }

  #routesFor(exchange: Exchange): MountedRoutes {
    const mount = this.#table.find(exchange.path);
    if (!mount) return this.#core;
    exchange.plugin = mount.plugin;
    const { answer } = mount;
    if (answer.kind === "serving") return answer.routes as MountedRoutes;
    const draining = answer.routes as MountedRoutes | undefined;
    if (draining?.limitsFor(exchange.path)?.whileDraining) return draining;
    exchange.route = `${API_PREFIX}/${mount.segments[0]}`;
    throw unavailableProblem(answer);
  }

  #serve(routes: MountedRoutes, exchange: Exchange): Response | Promise<Response> {
    const { request, method, path } = exchange;
    if (this.#options.observe) exchange.route = routes.patternOf(method, path);
    const own = routes.limitsFor(path);
    this.#admitRequest(path);
    const share = this.#bodies.share();
    const done = () => {
      this.#requests--;
      share.release();
    };
    let answer: Response | Promise<Response>;
    try {
      const bounded = boundBody(request, own?.maxBodyBytes ?? this.#limits.maxBodyBytes, share);
      answer = routes.dispatch(exchange.bindSignal(bounded), exchange);
    } catch (error) {
      done();
      throw error;
    }
    if (!(answer instanceof Promise)) {
      done();
      return answer;
    }
    // A handler that is late still holds what it was sent.
    void answer.finally(() => share.release()).catch(() => {}); // Told below, to whoever asked.
    return this.#withDeadline(answer, own?.handlerMs ?? this.#limits.handlerMs, exchange);
  }

  #withDeadline(answer: Promise<Response>, handlerMs: number, exchange: Exchange): Promise<Response> {
    return new Promise((resolve) => {
      let isLate = false;
      const deadline = this.#deadlines.watch(handlerMs, () => {
        isLate = true;
        this.#requests--;
        exchange.abort(new DeadlineError(`request ${exchange.requestId}`, handlerMs));
        const problem = new HttpProblem(503, "The handler did not answer in time", {
          code: "handler_timeout",
          detail: `the limit is ${handlerMs} ms`,
        });
        resolve(problemResponse(problem, exchange.place()));
      });
      answer.then((response) => {
        this.#deadlines.forget(deadline);
        // Nobody will read it: let its source go.
        if (isLate) return void response.body?.cancel().catch(() => {});
        this.#requests--;
        resolve(response);
      });
    });
  }

  #admitRequest(path: string): void {
    if (this.#requests >= this.#limits.maxRequests && path !== "/healthz") {
      throw new HttpProblem(429, "Too many requests at once", {
        detail: `the limit is ${this.#limits.maxRequests}`,
        headers: { "retry-after": "1" },
      });
    }
    this.#requests++;
  }

  #admitSocket(): () => void {
    if (this.#webSockets >= this.#limits.maxWebSockets) {
      throw new HttpProblem(429, "Too many WebSockets at once", {
        detail: `the limit is ${this.#limits.maxWebSockets}`,
        headers: { "retry-after": "1" },
      });
    }
    this.#webSockets++;
    return () => void this.#webSockets--;
  }

  #finish(exchange: Exchange, response: Response): Response {
    const { observe, log, logsRequests = true } = this.#options;
    const seconds = (performance.now() - exchange.startedAt) / 1000;
    if (observe) {
      const { method } = exchange;
      observe({
        plugin: exchange.plugin,
        route: exchange.route || "unmatched",
        method: METHODS.has(method) ? method : "other",
        status: response.status,
        seconds,
      });
    }
    if (logsRequests || response.status >= 500) logAccess(log, exchange, response, seconds);
    return exchange.isUpgraded ? response : withHeaders(response, exchange);
  }
}

function withHeaders(response: Response, exchange: Exchange): Response {
  try {
    setHeaders(response.headers, exchange);
    return response;
  } catch {
    // Headers of a response that came from fetch cannot be changed.
    const changeable = new Response(response.body, response);
    setHeaders(changeable.headers, exchange);
    return changeable;
  }
}

function setHeaders(headers: Headers, exchange: Exchange): void {
  headers.set("x-request-id", exchange.requestId);
  if (exchange.authority !== "cookie" || headers.has("content-security-policy")) return;
  headers.set("content-security-policy", SANDBOX);
  headers.set("x-content-type-options", "nosniff");
}
