/**
 * An agent: puts its parts together, and takes them from start to stop.
 *
 * Set up all, start all, listen, serve; drain all, stop all.
 *
 * @module
 */
import type { AgentOptions, CarriedByPlugin } from "./agent_options.ts";
import { type AgentParts, openParts, type PartsHost } from "./agent_parts.ts";
import { systemClock } from "./clock.ts";
import type { LoadedConfig } from "./config/loaded_config.ts";
import { Deadline } from "./deadline.ts";
import { asError, ConfigError } from "./errors.ts";
import type { FrontDoor } from "./http/front_door.ts";
import { loadPlan } from "./load_plan.ts";
import { nextTurn } from "./next_turn.ts";
import type { Clock, ServiceToken, Variables } from "./plugin.ts";
import type { Unfinished } from "./plugin_steps.ts";
import { describeRun, type PluginStatus } from "./plugin_status.ts";
import { ReloadError, type ReloadReport } from "./reload/reload_report.ts";

export type { AgentOptions, CarriedByPlugin } from "./agent_options.ts";

/** What {@linkcode Agent.reload} takes. */
export interface ReloadOptions {
  /** The configuration to go to. Default: what {@linkcode AgentOptions.readConfig} says. */
  readonly config?: LoadedConfig | Readonly<Record<string, unknown>>;
  /** Whether processes that plugins hold may end. Default `false`. */
  readonly force?: boolean;
}

/** How an agent ended. */
export interface ExitReport {
  /** Why it stopped: a signal's name, or what the caller said. */
  readonly reason: string;
  /** The failure that ended it, if one did. */
  readonly error?: Error;
  /** Plugin code that had not ended when the deadlines were over. */
  readonly unfinished: readonly Unfinished[];
  /** Present when a plugin asked for another life: pass `carried` to the agent that follows this one. */
  readonly renewal?: { readonly carried: CarriedByPlugin };
}

/** Makes an agent. Nothing runs before {@linkcode Agent.start}. */
export function createAgent(options: AgentOptions): Agent {
  return new Agent(options);
}

/** One agent. Several can live in one process; they share nothing. */
export class Agent implements AsyncDisposable {
  readonly #options: AgentOptions;
  readonly #clock: Clock;
  readonly #cancel = new AbortController();
  readonly #finished = Promise.withResolvers<ExitReport>();
  #isReady = false;
  #parts: AgentParts | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<ExitReport> | undefined;
  #renewal: ExitReport["renewal"];

  /** @param options See {@linkcode createAgent}. */
  constructor(options: AgentOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Brings every planned plugin up and listens. A plugin that fails does not fail the start unless it is required.
   *
   * @throws {ConfigError} If the configuration or the plan has problems; nothing was started.
   * @throws {PluginError} If a required plugin failed; everything was stopped again.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Goes to another configuration without an end of the agent. All of it is checked first; plugins it does not touch are not
   * touched, others take their settings in place or get a new life, with those who use them. Listeners stay open. Reloads come
   * one after the other.
   *
   * @throws {ConfigError} If the configuration or its plan has problems; nothing was changed.
   * @throws {ReloadError} If it would end processes and is not forced, or a plugin did not come up with it: then the
   * configuration before is in force again.
   */
  async reload(options: ReloadOptions = {}): Promise<ReloadReport> {
    const parts = this.#parts;
    if (parts === undefined || !this.#isReady) {
      throw new ReloadError("reload_refused", "Cannot reload: the agent is not running", []);
    }
    try {
      return await parts.driver.change(() => this.#reload(parts, options));
    } catch (error) {
      const problems = error instanceof ReloadError || error instanceof ConfigError
        ? error.problems.map(({ path, message }) => `${path}: ${message}`)
        : [];
      parts.log.error("configuration not reloaded", { error: asError(error), problems });
      throw error;
    }
  }

  /** Drains and stops everything, also half way through a start. Calling it again returns the same promise. */
  stop(reason = "stopped by its owner"): Promise<ExitReport> {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  /** Like {@linkcode Agent.stop}, because a signal came; each call says in the log that this process received it. */
  stopOnSignal(signal: string): Promise<ExitReport> {
    this.#parts?.log.info("agent received signal", { signal });
    return this.stop(`signal: ${signal}`);
  }

  /** Resolves when the agent has ended, whoever ended it. */
  get finished(): Promise<ExitReport> {
    return this.#finished.promise;
  }

  /** Kills every process group of this agent at once. For the moment before a hard exit. */
  killGroups(): void {
    this.#parts?.spawner.killAll();
  }

  /** Answers a request as the Unix socket would: whoever holds the agent is trusted. */
  fetch(request: Request): Promise<Response> {
    if (this.#parts === undefined) throw new TypeError("Cannot answer requests: the agent is not started");
    return this.#parts.front.fetch(request);
  }

  /**
   * The HTTP front, for a program that serves it with a server of its own, such as `listenNode`. Close that
   * server after the agent has stopped.
   */
  get front(): FrontDoor {
    if (this.#parts === undefined) throw new TypeError("Cannot serve the front: the agent is not started");
    return this.#parts.front.front;
  }

  /** Opens a further Unix listener, private to this user, which closes with the agent. Returns `path`. */
  async listenUnix(path: string): Promise<string> {
    if (this.#parts === undefined) throw new TypeError("Cannot listen: the agent is not started");
    await this.#parts.front.listenUnix(path);
    return path;
  }

  /** Where the agent listens: `http`, `unix`, and what plugins announced. */
  get addresses(): Readonly<Record<string, string>> {
    return this.#parts?.front.addresses ?? {};
  }

  /** File that holds the API token; absent when the token was given or nothing listens on TCP. */
  get tokenFile(): string | undefined {
    return this.#parts?.front.tokenFile;
  }

  /** Every plugin that is built in or configured, in the order of the plan. */
  plugins(): readonly PluginStatus[] {
    return this.#parts?.driver.runs.map((run) => describeRun(run)) ?? [];
  }

  /** A service of this agent, for the program that embeds it; `undefined` when nothing provides it now. */
  service<S>(token: ServiceToken<S>): S | undefined {
    return this.#parts?.services.get(token);
  }

  /** Prometheus text exposition of all metrics. */
  metrics(): Promise<string> {
    return this.#parts?.metrics.exposition() ?? Promise.resolve("");
  }

  /** Ends a running plugin as if it had failed with `error`; its dependents stop, and its failure policy applies. */
  async crash(plugin: string, error: unknown): Promise<void> {
    await this.#parts?.driver.find(plugin)?.crash(error);
    await this.#parts?.driver.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("disposed");
  }

  // --- up ---

  async #start(): Promise<void> {
    try {
      this.#cancel.signal.throwIfAborted();
      const parts = await openParts(this.#options, this.#host());
      this.#parts = parts;
      await this.#bringUp(parts);
    } catch (error) {
      // A stop that was asked for meanwhile goes on by itself once this promise has settled.
      if (this.#stopping === undefined) {
        this.#stopping = this.#shutDown("failed to start", asError(error));
        await this.#stopping;
      }
      throw error;
    }
  }

  #host(): PartsHost {
    return {
      clock: this.#clock,
      cancel: this.#cancel.signal,
      isReady: () => this.#isReady,
      reload: (force) => this.reload({ force }),
      renew: (plugin, reason, carry) => this.#renew(plugin, reason, carry),
      requiredFailed: (error) => {
        this.#cancel.abort(error);
        this.#stopping ??= this.#shutDown("a required plugin failed", error);
      },
    };
  }

  async #bringUp({ driver, front, rpc, agentSocket }: AgentParts): Promise<void> {
    front.mount(driver.runs);
    await driver.ascend();
    await front.listen();
    await agentSocket.start();
    this.#cancel.signal.throwIfAborted();
    rpc.start();
    this.#isReady = true;
    await driver.ready();
  }

  async #reload(parts: AgentParts, options: ReloadOptions): Promise<ReloadReport> {
    const config = options.config ?? await this.#options.readConfig?.();
    if (config === undefined) {
      throw new ReloadError("reload_refused", "Cannot reload: this agent has no configuration to read again", []);
    }
    const { driver, front, services, current, log, createRun, startedWith } = parts;
    const { plugins, env } = this.#options;
    const next = await loadPlan({ plugins, config, external: services.externalIds, env });
    for (const { level, message, fields } of next.notes) log[level](message, fields);
    const { reloadPlugins, reloadedSettings } = await import("./reload/mod.ts");
    const report: ReloadReport = {
      plugins: await reloadPlugins({
        ...{ driver, next, cancel: this.#cancel.signal, force: options.force ?? false },
        before: current.loaded.config,
        createRun: (planned) => createRun(planned, next),
        mount: (runs) => front.mount(runs),
      }),
      agent: reloadedSettings({ startedWith, before: current.loaded.config, next: next.config }),
    };
    current.loaded = next;
    log.info("configuration reloaded", {
      touched: report.plugins.filter(({ action }) => action !== "untouched").map(({ id, action }) =>
        `${id}: ${action}`
      ),
      next_start: report.agent.filter(({ inForce }) => !inForce).map(({ path }) => path),
    });
    return report;
  }

  async #stop(reason: string): Promise<ExitReport> {
    this.#cancel.abort(new Error(`the agent is stopping: ${reason}`));
    await this.#starting?.catch(() => {}); // Whoever started it hears of the failure.
    return this.#shutDown(reason);
  }

  /** A plugin asks for another life. Who stops the agent for another reason, or was first, wins. */
  #renew(plugin: string, reason: string, carry: Variables): void {
    if (this.#stopping !== undefined) return;
    this.#renewal = { carried: { ...this.#options.carried, [plugin]: carry } };
    // Its outcome is read from `finished`.
    this.stop(reason).catch(() => {});
  }

  async #shutDown(reason: string, error?: Error): Promise<ExitReport> {
    this.#cancel.abort(error ?? new Error(reason));
    this.#isReady = false;
    const parts = this.#parts;
    if (parts !== undefined) await this.#takeDown(parts, reason);
    const unfinished = parts?.driver.runs.flatMap((run) => run.unfinished) ?? [];
    for (const { plugin, phase, what } of unfinished) parts?.log.warn("did not finish", { plugin, phase, what });
    parts?.logs[Symbol.dispose]();
    const report: ExitReport = {
      ...{ reason, unfinished },
      ...(error === undefined ? {} : { error }),
      ...(this.#renewal === undefined || error !== undefined ? {} : { renewal: this.#renewal }),
    };
    this.#finished.resolve(report);
    return report;
  }

  async #takeDown(
    { driver, front, spawner, unhandled, log, recentLog, rpc, tunnel, agentSocket, lostFiles }: AgentParts,
    reason: string,
  ): Promise<void> {
    log.info("agent shutting down", { cause: reason });
    await lostFiles[Symbol.asyncDispose]();
    await driver.settled();
    rpc.drain();
    const deadline = new Deadline(this.#clock, driver.shutdownMs);
    await driver.descend(reason, deadline);
    await agentSocket.close();
    await rpc.stop();
    await tunnel[Symbol.asyncDispose]();
    recentLog.close();
    await front.close(deadline);
    spawner.killAll();
    // Rejections left floating by the last steps are reported in the next turn of the event loop; they still have an owner.
    await nextTurn();
    unhandled[Symbol.dispose]();
  }
}
