/**
 * Builds the one object a plugin gets. Every member is bound to the plugin's scope and refuses what comes after its end.
 *
 * @module
 */
import { mountOf } from "./definition.ts";
import type { Environment } from "./environment.ts";
import type { Spawner } from "./exec/spawner.ts";
import { PluginHealth } from "./health.ts";
import { PluginHooks } from "./hooks.ts";
import type { Front } from "./http/front.ts";
import type { MetricsHub } from "./metrics/hub.ts";
import type {
  Announcement,
  Clock,
  HostFacts,
  Logger,
  Needs,
  PluginContext,
  ServiceToken,
  Variables,
} from "./plugin.ts";
import type { Life, PluginRun } from "./plugin_run.ts";
import { ROAD, type RoadContext } from "./road.ts";
import type { RpcConnection } from "./rpc/connection.ts";
import type { Scope } from "./scope.ts";
import type { ServiceDirectory } from "./services.ts";
import type { AgentSocket } from "./socket/drpc_server.ts";
import { openSideListener } from "./http/side_listener.ts";
import type { LostFiles } from "./socket/lost_files.ts";
import { listenPrivately } from "./socket/private_listener.ts";
import { PluginTasks } from "./tasks.ts";

/** What the agent shares with its plugins. */
export interface SharedParts {
  readonly host: HostFacts;
  readonly clock: Clock;
  readonly front: Front;
  readonly metrics: MetricsHub;
  readonly environment: Pick<Environment, "scope">;
  readonly spawner: Spawner;
  readonly services: ServiceDirectory;
  readonly rpc: Pick<RpcConnection, "open">;
  readonly agentSocket: Pick<AgentSocket, "add">;
  readonly deadlines: RoadContext["deadlines"];
  /** A road of the core says that a running plugin is over. */
  readonly crashed: (run: PluginRun, error: unknown) => void;
  /** Names accepted in `Host` beside loopback. */
  readonly allowedHosts: readonly string[];
  /** What the plugin's life before left for this one. */
  carried(plugin: string): Variables;
  /** Ends this life for another one. */
  renew(plugin: string, reason: string, carry: Variables): void;
  readonly lostFiles: Pick<LostFiles, "watch">;
}

/** A context, and what the driver keeps of it. */
export interface OpenedLife {
  readonly life: Life;
  readonly ctx: PluginContext<unknown, Needs>;
}

/** Opens a life of `run`: takes a place in every part of the agent, all of it released with `scope`. */
export function openLife(
  run: PluginRun,
  scope: Scope,
  parts: SharedParts,
  log: Logger,
): OpenedLife {
  const announced: Announcement[] = [];
  const { definition } = run;
  const assertOpen = (wanted: string) => scope.assertOpen(wanted);
  const env = scope.defer(parts.environment.scope({ owner: definition.id, order: run.planned.rank }));
  const processes = scope.defer(parts.spawner.scope(definition.id, env));
  const metrics = scope.defer(
    parts.metrics.open(definition.id, {
      assertOpen,
      enter: (fn) => scope.enter("collect", fn),
      // What a gauge reads may be released before the gauge is.
      collectFailed: (error) => void (scope.closed || run.charge(error, "collect")),
    }),
  );
  const routes = parts.front.createRoutes(definition.id, mountOf(definition), {
    enter: (phase, fn) => scope.enter(phase, fn),
    failed: (phase, error) => run.charge(error, phase),
  });
  const health = new PluginHealth(() => run.healthChanged());
  const hooks = new PluginHooks({
    assertOpen,
    onShutdown: (fn) => void scope.defer(() => fn()),
  });
  const tasks = new PluginTasks({ scope, clock: parts.clock, log, health });
  const rpc = scope.defer(
    parts.rpc.open({ signal: scope.signal, assertOpen, enter: (work) => scope.enter("task", work) }),
  );
  const road: RoadContext = {
    deadlines: parts.deadlines,
    fail: (error) => parts.crashed(run, error),
    charge: (error, phase) => run.charge(error, phase),
    count: (phase) => parts.metrics.pluginFailed(definition.id, phase),
    claimMetric: (name) => metrics.claim(name),
    addMetrics: (read) => void metrics.texts.push(read),
    call: (path, request) => rpc.invoke(path, request, { signal: scope.signal }),
    spawn: (options, variables) => processes.spawn(options, { build: () => Promise.resolve({ ...variables }) }),
  };
  const ctx: PluginContext<unknown, Needs> & { readonly [ROAD]: RoadContext } = {
    [ROAD]: road,
    plugin: { id: definition.id, version: definition.version },
    host: parts.host,
    get config() {
      return run.config as Readonly<unknown>;
    },
    services: parts.services.resolve(definition.needs),
    log,
    signal: scope.signal,
    clock: parts.clock,
    routes,
    metrics,
    hooks,
    env: {
      scriptBinDirectory: env.scriptBinDirectory,
      contribute: (name, fn) => {
        assertOpen(`contribute environment "${name}"`);
        env.contribute(name, (base, own) => scope.enter("environment", () => fn(base, own)));
      },
      build: (layers) => env.build(layers),
    },
    exec: {
      spawn: (options) => processes.spawn(options),
      directory: (requested) => processes.directory(requested),
      suggestDirectory: (path) => processes.suggestDirectory(path),
    },
    socket: {
      service: (service, implementation) => {
        assertOpen(`serve "${typeof service === "function" ? "a service" : service.typeName}"`);
        scope.defer(parts.agentSocket.add(service, implementation));
      },
      http: (address, answer) =>
        Promise.try(async () => {
          assertOpen(`listen on "${address}"`);
          const listener = await openSideListener(address, {
            hosts: parts.allowedHosts,
            answer: (request) => scope.enter("route", () => answer(request)),
            failed: (error) => run.charge(error, "route"),
            signal: scope.signal,
          });
          scope.defer(() => listener.close());
          return listener.address;
        }),
      listen: async (path, accept) => {
        assertOpen(`listen on "${path}"`);
        const listener = await listenPrivately(
          path,
          (connection, signal) => scope.enter("service", () => accept(connection, signal)),
          (error) => run.charge(error, "service"),
        );
        scope.defer(() => listener.close());
        scope.defer(parts.lostFiles.watch(path, () => listener.restore()));
      },
    },
    rpc: {
      isConfigured: rpc.isConfigured,
      client: rpc.client,
      whileConnected: rpc.whileConnected,
      fetch: rpc.fetch,
      token: rpc.token,
    },
    health,
    tasks,
    renewal: {
      carried: parts.carried(definition.id),
      request: (reason, carry = {}) => {
        assertOpen("ask for another life");
        parts.renew(definition.id, reason, carry);
      },
    },
    provide: <S>(token: ServiceToken<S>, service: S) => {
      assertOpen(`provide "${token.id}"`);
      parts.services.provide(definition, token, service);
    },
    announce: (facts) => {
      assertOpen("announce");
      announced.push(facts);
    },
    defer: (resource) => scope.defer(resource),
  };
  return {
    ctx: Object.freeze(ctx),
    life: {
      scope,
      hooks,
      tasks,
      health,
      announced,
      routes,
      processes,
    },
  };
}
