/**
 * What an agent consists of, and how its parts are joined. Nothing runs yet when they are.
 *
 * @module
 */
import { dirname, join } from "@std/path";

import { AgentFront } from "./agent_front.ts";
import type { AgentOptions } from "./agent_options.ts";
import type { AgentSettings } from "./config/agent_settings.ts";
import type { LoadedConfig } from "./config/loaded_config.ts";
import { Environment } from "./environment.ts";
import { asError, type PluginError } from "./errors.ts";
import { Spawner } from "./exec/spawner.ts";
import { Tunnel } from "./http/tunnel.ts";
import { AGENT_VERSION, type BuildInfo, type LoadedPlan, loadPlan } from "./load_plan.ts";
import { LoadedLate } from "./loaded_late.ts";
import { createLogger, type LogSink } from "./log.ts";
import { type LogOutputs, openLogOutputs } from "./log_outputs.ts";
import { MetricsHub } from "./metrics/hub.ts";
import { watchUnhandled } from "./owner.ts";
import type { PlannedPlugin } from "./plan.ts";
import type { Clock, HostFacts, Logger, Variables } from "./plugin.ts";
import { openLife, type SharedParts } from "./plugin_context.ts";
import { PluginDriver } from "./plugin_driver.ts";
import { PluginRun, type RunHost } from "./plugin_run.ts";
import { RecentLog } from "./recent_log.ts";
import type { ReloadReport } from "./reload/reload_report.ts";
import type { StepDeadlines } from "./road.ts";
import { RpcConnection } from "./rpc/connection.ts";
import { type ControlPlaneAddress, controlPlaneAddress } from "./rpc/control_plane_address.ts";
import { controlPlaneFetch, controlPlaneToken } from "./rpc/control_plane_fetch.ts";
import { ServiceDirectory } from "./services.ts";
import { AgentSocket } from "./socket/drpc_server.ts";
import { LostFiles } from "./socket/lost_files.ts";
import { temporaryPlace } from "./temporary_directory.ts";

/** What an agent consists of once it is started. */
export interface AgentParts {
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

/** What the parts ask of the agent they belong to. */
export interface PartsHost {
  readonly clock: Clock;
  /** Aborted when the agent begins to stop. */
  readonly cancel: AbortSignal;
  /** Whether the start is complete and no stop was asked for. */
  readonly isReady: () => boolean;
  readonly reload: (force: boolean) => Promise<ReloadReport>;
  /** A plugin asks for another life of the agent, and leaves `carry` for its own next one. */
  readonly renew: (plugin: string, reason: string, carry: Variables) => void;
  /** A plugin without which the agent must not run has failed. */
  readonly requiredFailed: (error: PluginError | undefined) => void;
}

/**
 * Reads the configuration, makes every part and joins them.
 *
 * @throws {ConfigError} If the configuration or the plan has problems.
 */
export async function openParts(options: AgentOptions, agent: PartsHost): Promise<AgentParts> {
  // deno-lint-ignore outpost/child-environment -- the source of every layer; core/environment.ts takes the tokens out
  const { build = STOCK_BUILD, env = Deno.env.toObject(), plugins, services: external = [] } = options;
  const services = new ServiceDirectory(external);
  const loaded = await loadPlan({ plugins, config: options.config ?? {}, external: services.externalIds, env });
  const current = { loaded };
  const { settings } = loaded;
  const { commandLine } = options;
  const host: HostFacts = { ...loaded.host, ...(commandLine === undefined ? {} : { commandLine }) };
  const { clock } = agent;
  const logs = await openLogs(settings, options.logSink);
  const recentLog = new RecentLog();
  const sink: LogSink = (record) => {
    logs.sink(record);
    recentLog.sink(record);
  };
  const level = () => logs.level ?? current.loaded.settings.log.level;
  const logger = (category: string) => createLogger({ category: [build.name, category], sink, clock, level });
  const log = logger("core");
  for (const { level, message, fields } of [...options.notes ?? [], ...loaded.notes]) {
    log[level](message, fields);
  }
  for (const { output, reason } of logs.failures) log.warn("log output left out", { output, reason });
  const metrics = new MetricsHub(build, clock);
  const environment = new Environment({
    process: env,
    log,
    clock,
    scriptBinDirectory: join(
      settings.scriptDataDir ?? temporaryPlace(env.TMPDIR ?? "/tmp"),
      ...["coder-script-data", "bin"],
    ),
    executableDirectory: dirname(options.executable ?? Deno.execPath()),
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
    isReady: agent.isReady,
    recentLog,
    controlPlane: () => rpc.status,
    logLevel: () => current.loaded.settings.log.level,
    reload: agent.reload,
  });
  const tunnel = new Tunnel(front.front, log);
  const address = controlPlaneAddress(settings.controlPlane, env);
  const rpc: RpcConnection = new RpcConnection({
    dial: options.dial ?? (address && dialerFor(address, settings, clock, tunnel)),
    fetch: options.fetchControlPlane ?? (address && controlPlaneFetch(address)),
    token: options.controlPlaneToken ?? (address && controlPlaneToken(address)),
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
    carried: (plugin) => options.carried?.[plugin] ?? {},
    renew: agent.renew,
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
    cancel: agent.cancel,
    onRequiredFailure: agent.requiredFailed,
  });
  const unhandled = watchUnhandled(
    (owner) => driver.runs.some((run) => run.owns(owner)),
    (error) => log.error("unhandled error", { error: asError(error) }),
  );
  const lives = { current, startedWith: loaded.config, createRun };
  const told = { log, logs, recentLog, metrics };
  return { ...told, ...lives, spawner, services, front, driver, unhandled, rpc, tunnel, agentSocket, lostFiles };
}

async function openLogs({ log }: AgentSettings, sink: LogSink | undefined): Promise<LogOutputs> {
  return sink === undefined ? await openLogOutputs(log) : { sink, failures: [], [Symbol.dispose]() {} };
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
  const dialer = new LoadedLate(async () => {
    const { Dialer } = await import("./rpc/dial.ts");
    return new Dialer({ ...address, clock, incoming: settings.controlPlane.tunnel ? tunnel.accept : undefined });
  });
  return async (signal) => await (await dialer.use()).dial(signal);
}
