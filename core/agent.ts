/**
 * An agent: puts its parts together, and takes them from start to stop.
 *
 * Set up all, start all, listen, serve; drain all, stop all.
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
import { ConfigError, messageOf } from "./errors.ts";
import { Spawner } from "./exec/spawner.ts";
import type { FrontDoor } from "./http/front_door.ts";
import { Tunnel } from "./http/tunnel.ts";
import { AGENT_VERSION, type BuildInfo, type LoadedPlan, loadPlan, type Note } from "./load_plan.ts";
import { createLogger, type LogSink } from "./log.ts";
import { type LogOutputs, openLogOutputs } from "./log_outputs.ts";
import { MetricsHub } from "./metrics/hub.ts";
import { watchUnhandled } from "./owner.ts";
import type { PlannedPlugin } from "./plan.ts";
import type { Awaitable, Clock, HostFacts, Logger, Plugin, Rpc, ServiceToken, Variables } from "./plugin.ts";
import { openLife, type SharedParts } from "./plugin_context.ts";
import { PluginDriver } from "./plugin_driver.ts";
import { PluginRun, type RunHost, type Unfinished } from "./plugin_run.ts";
import { describeRun, type PluginStatus } from "./plugin_status.ts";
import { RecentLog } from "./recent_log.ts";
import { ReloadError, type ReloadReport } from "./reload/reload_report.ts";
import type { StepDeadlines } from "./road.ts";
import { RpcConnection } from "./rpc/connection.ts";
import { type ControlPlaneAddress, controlPlaneAddress } from "./rpc/control_plane_address.ts";
import { controlPlaneFetch, controlPlaneToken } from "./rpc/control_plane_fetch.ts";
import type { RpcLink } from "./rpc/link.ts";
import { type ProvidedService, ServiceDirectory } from "./services.ts";
import { AgentSocket } from "./socket/drpc_server.ts";
import { LostFiles } from "./socket/lost_files.ts";

/** What {@linkcode createAgent} takes. Only `plugins` is needed. */
export interface AgentOptions {
  /** Built-in plugins, in the order they are set up where needs leave a choice. */
  readonly plugins: readonly Plugin[];
  /** The configuration: as `resolveConfig` returns it, or the content of a file as an object. Default: all defaults. */
  readonly config?: LoadedConfig | Readonly<Record<string, unknown>>;
  /** Reads the configuration again, for {@linkcode Agent.reload}. Default: none, so that a reload has to bring its own. */
  readonly readConfig?: () => Awaitable<LoadedConfig | Readonly<Record<string, unknown>>>;
  /** Name and version of the binary. Default: the stock agent's. */
  readonly build?: BuildInfo;
  /** The agent's own environment. Default: the process's. */
  readonly env?: Variables;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Where log lines go. Default: formatted, to where the configuration says. */
  readonly logSink?: LogSink;
  /** What plugins of the life before left for this one: {@linkcode ExitReport.renewal}. */
  readonly carried?: CarriedByPlugin;
  /** First lines of the log. */
  readonly notes?: readonly Note[];
  /** Path of the agent's own program; its directory ends the `PATH` of children. Default: the running program. */
  readonly executable?: string;
  /** Program and first arguments that run this binary's commands. Default: none, as in a program that embeds the agent. */
  readonly commandLine?: readonly [program: string, ...args: string[]];
  /** Connects to the control plane. Default: as the configuration and `CODER_AGENT_URL` say. */
  readonly dial?: (signal: AbortSignal) => Promise<RpcLink>;
  /** Asks the control plane over plain HTTP. Default: as the configuration and `CODER_AGENT_URL` say. */
  readonly fetchControlPlane?: Rpc["fetch"];
  /** The token for it. Default: as the configuration and `CODER_AGENT_TOKEN` say. */
  readonly controlPlaneToken?: Rpc["token"];
  /** Services from outside the plugins; each stands in for a plugin's own. */
  readonly services?: readonly ProvidedService[];
}

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

/** What plugins left for the life that follows, by plugin. */
export type CarriedByPlugin = Readonly<Record<string, Variables>>;

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
  #parts: Parts | undefined;
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
    const current = { loaded };
    const { settings } = loaded;
    const { commandLine } = this.#options;
    const host: HostFacts = { ...loaded.host, ...(commandLine === undefined ? {} : { commandLine }) };
    const clock = this.#clock;
    const logs = await this.#openLogs(settings);
    const recentLog = new RecentLog();
    const sink: LogSink = (record) => {
      logs.sink(record);
      recentLog.sink(record);
    };
    const level = () => logs.level ?? current.loaded.settings.log.level;
    const logger = (category: string) => createLogger({ category: [build.name, category], sink, clock, level });
    const log = logger("core");
    for (const { level, message, fields } of [...this.#options.notes ?? [], ...loaded.notes]) {
      log[level](message, fields);
    }
    for (const { output, reason } of logs.failures) log.warn("log output left out", { output, reason });
    const metrics = new MetricsHub(build, clock);
    const environment = new Environment({
      process: env,
      log,
      clock,
      scriptBinDirectory: join(settings.scriptDataDir ?? env.TMPDIR ?? "/tmp", "coder-script-data", "bin"),
      executableDirectory: dirname(this.#options.executable ?? Deno.execPath()),
    });
    const spawner = new Spawner({
      processEnv: env,
      directory: settings.directory,
      priority: settings.exec,
      limits: settings.exec.limits,
    });
    const lostFiles = new LostFiles({ log });
    const front: AgentFront = new AgentFront({
      lostFiles,
      settings,
      log,
      clock,
      metrics,
      build,
      runs: () => driver.runs,
      isReady: () => this.#isReady,
      recentLog,
      controlPlane: () => rpc.status,
      logLevel: () => current.loaded.settings.log.level,
      reload: (force) => this.reload({ force }),
    });
    const tunnel = new Tunnel(front.front, log);
    const address = controlPlaneAddress(settings.controlPlane, env);
    const rpc: RpcConnection = new RpcConnection({
      dial: this.#options.dial ?? (address && dialerFor(address, settings, clock, tunnel)),
      fetch: this.#options.fetchControlPlane ?? (address && controlPlaneFetch(address)),
      token: this.#options.controlPlaneToken ?? (address && controlPlaneToken(address)),
      clock,
      log: logger("rpc"),
    });
    const agentSocket = new AgentSocket({ path: settings.listen.agentSocket, clock, log: logger("socket"), lostFiles });
    environment.scope({ owner: "core", order: -1 })
      .contribute("core", () => socketVariables(settings.listen.unix, agentSocket.path));
    const deadlines = (): StepDeadlines => {
      const { deadlines, shutdown } = current.loaded.settings;
      return { ...deadlines, drainMs: shutdown.drainMs };
    };
    const shared: SharedParts = {
      ...{ host, clock, front: front.front, metrics, environment, spawner, services, rpc, agentSocket, lostFiles },
      get deadlines() {
        return deadlines();
      },
      crashed: (run, error) => driver.crashed(run, error),
      allowedHosts: settings.http.allowedHosts,
      carried: (plugin) => this.#options.carried?.[plugin] ?? {},
      renew: (plugin, reason, carry) => this.#renew(plugin, reason, carry),
    };
    const runHost: RunHost = {
      clock,
      get deadlines() {
        return deadlines();
      },
      log: logger,
      openLife: (run, scope) => openLife(run, scope, shared, logger(run.id)),
      missingServices: (definition) => services.missing(definition),
      withdrawServices: (plugin) => services.withdraw(plugin),
      stateChanged: (run, state) => {
        metrics.stateChanged(run.id, state);
        front.stateChanged(run);
        log.debug("plugin state", { plugin: run.id, state, reason: run.lifecycle.reason });
        driver.stateChanged(run, state);
      },
      errorCounted: (plugin, phase) => metrics.pluginFailed(plugin, phase),
    };
    const createRun = (planned: PlannedPlugin, from: LoadedPlan = loaded) => {
      const { id } = planned.definition;
      return new PluginRun(planned, from.settingsOf(id), from.failurePolicy(id), runHost);
    };
    const driver: PluginDriver = new PluginDriver({
      ...{ runs: loaded.plan.plugins.map((planned) => createRun(planned)), clock, log },
      get shutdownMs() {
        return current.loaded.settings.shutdown.totalMs;
      },
      cancel: this.#cancel.signal,
      onRequiredFailure: (error) => {
        this.#cancel.abort(error);
        this.#stopping ??= this.#shutDown("a required plugin failed", error);
      },
    });
    const unhandled = watchUnhandled(
      (owner) => driver.runs.some((run) => run.owns(owner)),
      (error) => log.error("unhandled error", { error: asError(error) }),
    );
    const lives = { current, startedWith: loaded.config, createRun };
    const told = { log, logs, recentLog, metrics };
    return { ...told, ...lives, spawner, services, front, driver, unhandled, rpc, tunnel, agentSocket, lostFiles };
  }

  async #openLogs({ log }: AgentSettings): Promise<LogOutputs> {
    const { logSink: sink } = this.#options;
    return sink === undefined ? await openLogOutputs(log) : { sink, failures: [], [Symbol.dispose]() {} };
  }

  async #bringUp({ driver, front, rpc, agentSocket }: Parts): Promise<void> {
    front.mount(driver.runs);
    await driver.ascend();
    await front.listen();
    await agentSocket.start();
    this.#cancel.signal.throwIfAborted();
    rpc.start();
    this.#isReady = true;
    await driver.ready();
  }

  async #reload(parts: Parts, options: ReloadOptions): Promise<ReloadReport> {
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
    { driver, front, spawner, unhandled, log, recentLog, rpc, tunnel, agentSocket, lostFiles }: Parts,
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
    await new Promise((resolve) => setImmediate(resolve));
    unhandled[Symbol.dispose]();
  }
}

/** What an agent consists of once it is started. */
interface Parts {
  readonly log: Logger;
  readonly recentLog: RecentLog;
  readonly logs: LogOutputs;
  readonly metrics: MetricsHub;
  readonly spawner: Spawner;
  readonly services: ServiceDirectory;
  readonly front: AgentFront;
  readonly driver: PluginDriver;
  readonly unhandled: Disposable;
  readonly rpc: RpcConnection;
  readonly tunnel: Tunnel;
  readonly agentSocket: AgentSocket;
  readonly lostFiles: LostFiles;
  /** What is in force; a reload puts another plan in its place. */
  readonly current: { loaded: LoadedPlan };
  /** What the parts were made from that a reload does not change. */
  readonly startedWith: LoadedConfig;
  readonly createRun: (planned: PlannedPlugin, from: LoadedPlan) => PluginRun;
}

const STOCK_BUILD: BuildInfo = { name: "outpost", version: AGENT_VERSION };

/** Tells the agent's children where its sockets are: they need not be where their programs look by themselves. */
function socketVariables(unix: string | null, agentSocket: string | undefined): Variables {
  return {
    ...(unix !== null && { OUTPOST_SOCKET: unix }),
    ...(agentSocket !== undefined && { CODER_AGENT_SOCKET_PATH: agentSocket }),
  };
}

/** Loads the protocols only when there is somebody to speak them with. */
function dialerFor(
  address: ControlPlaneAddress,
  settings: AgentSettings,
  clock: Clock,
  tunnel: Tunnel,
): AgentOptions["dial"] {
  let dialing: Promise<{ dial(signal: AbortSignal): Promise<RpcLink> }> | undefined;
  const load = async () => {
    const { Dialer } = await import("./rpc/dial.ts");
    return new Dialer({ ...address, clock, incoming: settings.controlPlane.tunnel ? tunnel.accept : undefined });
  };
  return async (signal) => await (await (dialing ??= load())).dial(signal);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
