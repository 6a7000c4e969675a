/**
 * Drives a set of plugins from start to stop.
 *
 * Set up all, start all, listen, serve; drain all, stop all. Providers go first on the way up and last on the way down;
 * plugins without a path between them go together. A plugin that fails takes down those that need it, and nobody else.
 *
 * @module
 */
import { dirname, join } from "@std/path";

import { AgentFront } from "./agent_front.ts";
import { systemClock } from "./clock.ts";
import type { AgentSettings } from "./config/agent_settings.ts";
import type { LoadedConfig } from "./config/loaded_config.ts";
import { Deadline } from "./deadline.ts";
import { Environment } from "./environment.ts";
import { ConfigError, messageOf, type PluginError } from "./errors.ts";
import { Spawner } from "./exec/spawner.ts";
import type { FrontDoor } from "./http/front_door.ts";
import { inOrder } from "./in_order.ts";
import { isServing, type State } from "./lifecycle.ts";
import { AGENT_VERSION, type BuildInfo, loadPlan } from "./load_plan.ts";
import { createLogger, type LogFormat, type LogSink, textSink } from "./log.ts";
import { MetricsHub } from "./metrics/hub.ts";
import { watchUnhandled } from "./owner.ts";
import type { Clock, Logger, Plugin, ServiceToken, Variables } from "./plugin.ts";
import { openLife } from "./plugin_context.ts";
import { PluginRun, type RunHost, type Unfinished } from "./plugin_run.ts";
import { describeRun, type PluginStatus } from "./plugin_status.ts";
import { type ProvidedService, ServiceDirectory } from "./services.ts";

/** What {@linkcode createAgent} takes. Only `plugins` is needed. */
export interface AgentOptions {
  /** Built-in plugins, in the order they are set up where needs leave a choice. */
  readonly plugins: readonly Plugin[];
  /** The configuration: as `resolveConfig` returns it, or the content of a file as an object. Default: all defaults. */
  readonly config?: LoadedConfig | Readonly<Record<string, unknown>>;
  /** Name and version of the binary. Default: the stock agent's. */
  readonly build?: BuildInfo;
  /** The agent's own environment. Default: the process's. */
  readonly env?: Variables;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Where log lines go. Default: formatted to standard error, as the configuration says. */
  readonly logSink?: LogSink;
  /** Path of the agent's own program; its directory ends the `PATH` of children. Default: the running program. */
  readonly executable?: string;
  /** Services from outside the plugins; each stands in for a plugin's own. */
  readonly services?: readonly ProvidedService[];
}

/** How an agent ended. */
export interface ExitReport {
  /** Why it stopped: a signal's name, or what the caller said. */
  readonly reason: string;
  /** The failure that ended it, if one did. */
  readonly error?: Error;
  /** Plugin code that had not ended when the deadlines were over. */
  readonly unfinished: readonly Unfinished[];
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
  readonly #background = new Set<Promise<void>>();
  #parts: Parts | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<ExitReport> | undefined;

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

  /** Drains and stops everything, also half way through a start. Calling it again returns the same promise. */
  stop(reason = "stopped by its owner"): Promise<ExitReport> {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
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
    return this.#parts?.runs.map((run) => describeRun(run)) ?? [];
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
    await this.#run(plugin)?.crash(error);
    await this.#settleBackground();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("disposed");
  }

  // --- up ---

  async #start(): Promise<void> {
    try {
      this.#cancel.signal.throwIfAborted();
      const parts = await this.#open();
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

  async #open(): Promise<Parts> {
    // deno-lint-ignore outpost/child-environment -- the source of every layer; core/environment.ts takes the tokens out
    const { build = STOCK_BUILD, env = Deno.env.toObject(), plugins, services: external = [] } = this.#options;
    const services = new ServiceDirectory(external);
    const loaded = await loadPlan({ plugins, config: this.#options.config ?? {}, external: services.externalIds, env });
    const { settings, host } = loaded;
    const clock = this.#clock;
    const sink = this.#options.logSink ?? textSink(chooseFormat(settings.log.format), Deno.stderr);
    const logger = (category: string) =>
      createLogger({ category: [build.name, category], sink, clock, level: settings.log.level });
    const log = logger("core");
    for (const { level, message, fields } of loaded.notes) log[level](message, fields);
    const metrics = new MetricsHub(build, clock);
    const environment = new Environment({
      process: env,
      log,
      clock,
      scriptBinDirectory: join(settings.scriptDataDir ?? env.TMPDIR ?? "/tmp", "coder-script-data", "bin"),
      executableDirectory: dirname(this.#options.executable ?? Deno.execPath()),
    });
    const spawner = new Spawner({ processEnv: env, directory: settings.directory });
    const front = new AgentFront({
      settings,
      log,
      clock,
      metrics,
      build,
      runs: () => parts.runs,
      isReady: () => parts.ready,
    });
    const shared = { host, clock, front: front.front, metrics, environment, spawner, services };
    const runHost: RunHost = {
      clock,
      deadlines: { ...settings.deadlines, drainMs: settings.shutdown.drainMs },
      log: logger,
      openLife: (run, scope) => openLife(run, scope, shared, logger(run.id)),
      missingServices: (definition) => services.missing(definition),
      withdrawServices: (plugin) => services.withdraw(plugin),
      stateChanged: (run, state) => this.#stateChanged(run, state),
      errorCounted: (plugin, phase) => metrics.pluginFailed(plugin, phase),
    };
    const runs = loaded.plan.plugins.map((planned) => {
      const { id } = planned.definition;
      return new PluginRun(planned, loaded.settingsOf(id), loaded.failurePolicy(id), runHost);
    });
    const unhandled = watchUnhandled(
      (owner) => runs.some((run) => run.owns(owner)),
      (error) => log.error("unhandled error", { error: asError(error) }),
    );
    const parts: Parts = {
      ...{ settings, log, metrics, spawner, services, front, runs, unhandled },
      ready: false,
    };
    return parts;
  }

  async #bringUp(parts: Parts): Promise<void> {
    for (const run of parts.runs) parts.front.mount(run);
    for (const run of parts.runs) {
      const { verdict, reason } = run.planned;
      run.lifecycle.step(verdict === "run" ? "planned" : verdict, reason);
    }
    const ids = parts.runs.map((run) => run.id);
    await inOrder(ids, (id) => this.#providers(id), (id) => this.#setUp(id));
    await inOrder(ids, (id) => this.#providers(id), (id) => this.#startPlugin(id));
    this.#cancel.signal.throwIfAborted();
    this.#throwRequiredFailure(parts);
    await parts.front.listen();
    this.#cancel.signal.throwIfAborted();
    parts.ready = true;
    await Promise.all(parts.runs.map((run) => run.ready()));
  }

  async #setUp(id: string): Promise<void> {
    const run = this.#run(id);
    if (run?.state !== "planned" || this.#cancel.signal.aborted) return;
    const missing = this.#missingProvider(run, (state) => state === "prepared" || isServing(state));
    if (missing !== undefined) return run.lifecycle.step("skipped", missing);
    await run.setUp(this.#unbounded(), this.#cancel.signal, this.#presentProviders(run));
  }

  async #startPlugin(id: string): Promise<void> {
    const run = this.#run(id);
    if (run?.state !== "prepared" || this.#cancel.signal.aborted) return;
    if (run.planned.dependencies.some((need) => run.held.has(need.plugin) && !this.#serves(need.plugin))) {
      // A provider was set up, handed out its service, and failed to start: what was built on it is undone.
      await run.stop(this.#unbounded(), "a service it holds was withdrawn");
      run.lifecycle.step("planned");
      const missing = this.#missingProvider(run, isServing);
      if (missing !== undefined) return run.lifecycle.step("skipped", missing);
      await run.setUp(this.#unbounded(), this.#cancel.signal, this.#presentProviders(run));
      if (run.life === undefined || run.failure !== undefined) return;
    }
    await run.start(this.#unbounded(), this.#cancel.signal);
  }

  #throwRequiredFailure(parts: Parts): void {
    for (const run of parts.runs) {
      if (run.onFailure !== "abort") continue;
      if (run.failure !== undefined && !isServing(run.state)) throw run.failure;
      if (run.state === "skipped") {
        throw new ConfigError([{
          path: `plugins.${run.id}`,
          message: `plugin "${run.id}" is required and cannot run: ${run.lifecycle.reason}`,
        }]);
      }
    }
  }

  // --- while it runs ---

  #stateChanged(run: PluginRun, state: State): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    parts.metrics.stateChanged(run.id, state);
    parts.front.stateChanged(run);
    parts.log.debug("plugin state", { plugin: run.id, state, reason: run.lifecycle.reason });
    if (state === "failed" && parts.ready && !this.#cancel.signal.aborted) this.#inBackground(this.#afterFailure(run));
    else if (state === "failed" && run.onFailure === "retry") this.#inBackground(this.#retry(run));
  }

  /** Stops those who need a plugin that failed while running, then applies its failure policy. */
  async #afterFailure(run: PluginRun): Promise<void> {
    const dependents = this.#runs.filter((other) => isServing(other.state) && this.#needs(other, run.id));
    const deadline = new Deadline(this.#clock, this.#parts?.settings.shutdown.totalMs ?? 0);
    for (const dependent of dependents.toReversed()) {
      await dependent.drain(deadline);
      await dependent.stop(deadline, `plugin "${run.id}", which it needs, failed`);
    }
    if (run.onFailure === "abort") void this.#endWith(run.failure);
    if (run.onFailure === "retry") await this.#retry(run);
  }

  async #retry(run: PluginRun): Promise<void> {
    const pauseMs = run.retries.pauseFor(run.failure, this.#clock.now());
    if (pauseMs === undefined) return;
    this.#parts?.log.info("plugin will be retried", { plugin: run.id, pause_ms: Math.round(pauseMs) });
    try {
      await this.#starting?.catch(() => {}); // The start goes first; it reports its own failure.
      await this.#clock.sleep(pauseMs, this.#cancel.signal);
    } catch {
      return; // The agent stops.
    }
    await this.#revive(run);
    if (!isServing(run.state)) return;
    for (const other of this.#runs) {
      const waiting = other.state === "skipped" || other.state === "stopped";
      if (waiting && other.planned.verdict === "run" && this.#needs(other, run.id)) await this.#revive(other);
    }
  }

  async #revive(run: PluginRun): Promise<void> {
    if (this.#missingProvider(run, isServing) !== undefined || this.#cancel.signal.aborted) return;
    run.lifecycle.step("planned");
    await this.#setUp(run.id);
    await this.#startPlugin(run.id);
    await run.ready();
  }

  async #endWith(error: PluginError | undefined): Promise<void> {
    this.#cancel.abort(error);
    this.#stopping ??= this.#settleBackground().then(() => this.#shutDown("a required plugin failed", error));
    await this.#stopping;
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work.catch((error) => {
      this.#parts?.log.error("driver failed", { error: asError(error) });
    }).finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  async #settleBackground(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  // --- down ---

  async #stop(reason: string): Promise<ExitReport> {
    this.#cancel.abort(new Error(`the agent is stopping: ${reason}`));
    await this.#starting?.catch(() => {}); // Whoever started it hears of the failure.
    await this.#settleBackground();
    return this.#shutDown(reason);
  }

  async #shutDown(reason: string, error?: Error): Promise<ExitReport> {
    this.#cancel.abort(error ?? new Error(reason));
    const parts = this.#parts;
    if (parts !== undefined) {
      parts.log.info("agent stops", { reason });
      parts.ready = false;
      const deadline = new Deadline(this.#clock, this.#shutdownMs(parts));
      const ids = parts.runs.map((run) => run.id);
      await inOrder(ids, (id) => this.#dependents(id), (id) => this.#run(id)?.drain(deadline) ?? Promise.resolve());
      await inOrder(
        ids,
        (id) => this.#dependents(id),
        (id) => this.#run(id)?.stop(deadline, reason) ?? Promise.resolve(),
      );
      await parts.front.close(deadline);
      parts.spawner.killAll();
      // Rejections left floating by the last steps are reported in the next turn of the event loop; they still have an owner.
      await new Promise((resolve) => setImmediate(resolve));
      parts.unhandled[Symbol.dispose]();
    }
    const unfinished = this.#runs.flatMap((run) => run.unfinished);
    for (const { plugin, phase, what } of unfinished) parts?.log.warn("did not finish", { plugin, phase, what });
    const report: ExitReport = { reason, unfinished, ...(error === undefined ? {} : { error }) };
    this.#finished.resolve(report);
    return report;
  }

  #shutdownMs({ runs, settings }: Parts): number {
    const declared = runs.map((run) => run.life?.hooks.declaredDrainMs ?? 0);
    return settings.shutdown.totalMs + Math.max(0, ...declared);
  }

  // --- who needs whom ---

  get #runs(): readonly PluginRun[] {
    return this.#parts?.runs ?? [];
  }
  #run(id: string): PluginRun | undefined {
    return this.#runs.find((run) => run.id === id);
  }
  #serves(id: string): boolean {
    return isServing(this.#run(id)?.state ?? "failed");
  }
  #providers(id: string): readonly string[] {
    return this.#run(id)?.planned.dependencies.map((need) => need.plugin) ?? [];
  }
  #dependents(id: string): readonly string[] {
    return this.#runs.filter((run) => run.planned.dependencies.some((need) => need.plugin === id)).map(({ id }) => id);
  }
  /** Whether `run` cannot be without `provider`, directly or through others. */
  #needs(run: PluginRun, provider: string): boolean {
    return run.planned.dependencies.some((need) => {
      if (need.optional) return false;
      const through = this.#run(need.plugin);
      return need.plugin === provider || (through !== undefined && this.#needs(through, provider));
    });
  }
  #presentProviders(run: PluginRun): ReadonlySet<string> {
    const isThere = (id: string) => this.#run(id)?.state === "prepared" || this.#serves(id);
    return new Set(this.#providers(run.id).filter(isThere));
  }
  #missingProvider(run: PluginRun, isThere: (state: State) => boolean): string | undefined {
    for (const need of run.planned.dependencies) {
      const provider = this.#run(need.plugin);
      if (need.optional || provider === undefined || isThere(provider.state)) continue;
      const why = provider.lifecycle.reason === undefined ? "" : `: ${provider.lifecycle.reason}`;
      return `needs "${need.service}" of plugin "${need.plugin}", which is ${provider.state}${why}`;
    }
    return undefined;
  }

  /** The start has no deadline of its own: each step of each plugin has one. */
  #unbounded(): Deadline {
    return new Deadline(this.#clock, Number.MAX_SAFE_INTEGER);
  }
}

interface Parts {
  readonly settings: AgentSettings;
  readonly log: Logger;
  readonly metrics: MetricsHub;
  readonly spawner: Spawner;
  readonly services: ServiceDirectory;
  readonly front: AgentFront;
  readonly runs: readonly PluginRun[];
  readonly unhandled: Disposable;
  ready: boolean;
}

const STOCK_BUILD: BuildInfo = { name: "outpost", version: AGENT_VERSION };

function chooseFormat(format: "auto" | LogFormat): LogFormat {
  return format === "auto" ? (Deno.stderr.isTerminal() ? "pretty" : "json") : format;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
