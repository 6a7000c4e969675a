/**
 * The life of one plugin in a program of its own: the parts of an agent that it uses, driven by the agent outside.
 *
 * @module
 */
import { systemClock } from "../clock.ts";
import { pluginConfig } from "../config/plugin_config.ts";
import { Deadline } from "../deadline.ts";
import { type AnyDefinition, mountOf } from "../definition.ts";
import { messageOf, type PluginPhase } from "../errors.ts";
import { Spawner } from "../exec/spawner.ts";
import { upgradeOnDeno } from "../http/deno_web_socket.ts";
import { Front } from "../http/front.ts";
import { randomToken } from "../http/token.ts";
import { isServing, type State } from "../lifecycle.ts";
import { createLogger } from "../log.ts";
import { MetricsHub } from "../metrics/hub.ts";
import { watchUnhandled } from "../owner.ts";
import type { Announcement, HostFacts, Logger } from "../plugin.ts";
import { openLife } from "../plugin_context.ts";
import { PluginRun } from "../plugin_run.ts";
import { RecentLog } from "../recent_log.ts";
import type { StepDeadlines } from "../road.ts";
import { RpcConnection } from "../rpc/connection.ts";
import { ServiceDirectory } from "../services.ts";
import { LostFiles } from "../socket/lost_files.ts";
import { writeFailure } from "../write_failure.ts";
import { AttachedPluginError } from "./attached_error.ts";
import type { LineChannel } from "./line_channel.ts";
import { LineGate } from "./program_output.ts";
import type { WireMessage } from "./protocol.ts";
import { RemoteControlPlane } from "./remote_control_plane.ts";
import { RemoteEnvironment } from "./remote_environment.ts";

/** What the agent says first. */
export interface Configuration {
  readonly config: Readonly<Record<string, unknown>>;
  readonly agent: { readonly version: string; readonly commandLine?: HostFacts["commandLine"] };
  readonly deadlines: StepDeadlines;
  readonly directory: string;
  readonly scriptBinDirectory: string;
  /** Whether there is one. Absent: an agent that does not say so. */
  readonly controlPlane?: boolean;
}

/** Time for what is in flight when the agent says stop without a drain, in milliseconds: SIGTERM follows after 1.5 s. */
const SHORT_DRAIN_MS = 1000;

/** See the module. Every method returns at once; what it began is awaited by {@linkcode ChildLife.stop}. */
export class ChildLife {
  readonly #definition: AnyDefinition;
  readonly #channel: LineChannel;
  readonly #socketPath: string;
  readonly #environment: RemoteEnvironment;
  readonly #controlPlane: RemoteControlPlane;
  readonly #cancel = new AbortController();
  /** Aborted when a stop was decided: nobody waits for the ready hooks any more. */
  readonly #leaving = new AbortController();
  readonly #cut = new AbortController();
  #parts: Parts | undefined;
  /** Steps are taken one after another, as they were told. */
  #steps: Promise<void> = Promise.resolve();

  /** @param socketPath Where it answers HTTP. */
  constructor(definition: AnyDefinition, channel: LineChannel, socketPath: string) {
    this.#definition = definition;
    this.#channel = channel;
    this.#socketPath = socketPath;
    this.#environment = new RemoteEnvironment(channel);
    this.#controlPlane = new RemoteControlPlane(channel);
  }

  /** Sets the plugin up, listens, and sends its manifest. */
  setUp(configuration: Configuration): void {
    this.#next(async () => {
      const parts = this.#open(configuration);
      this.#parts = parts;
      const { run, front } = parts;
      run.lifecycle.step("planned");
      await run.setUp(unbounded(), this.#cancel.signal, new Set());
      if (run.life === undefined || run.failure !== undefined) return await this.#failed(run);
      front.mount(run.id, mountOf(this.#definition)).answer = { kind: "serving", routes: run.life.routes };
      parts.server = this.#listen(front);
      await this.#channel.send({ type: "manifest", ...this.#manifest(run) });
    });
  }

  /** Runs the start hooks and says `ready`. */
  start(): void {
    this.#next(async () => {
      const { run, rpc } = this.#present();
      const announced = run.life?.announced.length;
      await run.start(unbounded(), this.#cancel.signal);
      if (!isServing(run.state)) return await this.#failed(run);
      rpc.start();
      const more = run.life?.announced.slice(announced) ?? [];
      await this.#channel.send({ type: "ready", ...(more.length === 0 ? {} : { announce: joined(more) }) });
    });
  }

  /** Runs the ready hooks. */
  ready(): void {
    this.#next(() => this.#present().run.ready(this.#leaving.signal));
  }

  /** Passes on that a stop was decided. */
  stopping(reason: string): void {
    this.#leaving.abort(new Error(`a stop was decided: ${reason}`));
    this.#parts?.run.stopping(reason);
    this.#parts?.rpc.drain();
  }

  /** Lets what is in flight finish, and says `drained`. */
  drain(deadlineMs: number | undefined): void {
    this.#next(async () => {
      await this.#present().run.drain(deadlineMs === undefined ? unbounded() : new Deadline(systemClock, deadlineMs));
      await this.#channel.send({ type: "drained" });
    });
  }

  /** Answers what has to do with the environment, the control plane and the agent's pings. */
  hear(message: WireMessage): void {
    if (message.type === "ping") void this.#channel.send({ type: "pong", id: message.id });
    else if (message.type.startsWith("env.")) void this.#environment.hear(message);
    else if (message.type.startsWith("rpc.")) this.#controlPlane.hear(message);
  }

  /** Ends the plugin, whatever it is in the middle of. Never rejects. */
  async stop(reason: string): Promise<void> {
    this.#cancel.abort(new Error(`the plugin is stopping: ${reason}`));
    this.#leaving.abort(this.#cancel.signal.reason);
    await this.#steps;
    const parts = this.#parts;
    if (parts === undefined) return;
    const { run, rpc, front, spawner, unhandled } = parts;
    rpc.drain();
    if (isServing(run.state)) await run.drain(new Deadline(systemClock, SHORT_DRAIN_MS));
    await run.stop(unbounded(), reason);
    await rpc.stop();
    this.#cut.abort();
    await parts.server?.finished;
    front.close();
    spawner.killAll();
    unhandled[Symbol.dispose]();
  }

  /** @throws {AttachedPluginError} Worth another try: where the socket is to be, there may be no room for a while. */
  #listen(front: Front): Deno.HttpServer {
    const options = { path: this.#socketPath, signal: this.#cut.signal, onListen() {} };
    try {
      return Deno.serve(options, (request) => front.fetch(request, AGENT));
    } catch (cause) {
      throw new AttachedPluginError(messageOf(writeFailure(this.#socketPath, cause)), { cause });
    }
  }

  #next(step: () => Promise<void>): void {
    this.#steps = this.#steps.then(step).catch((error) =>
      this.#channel.send({
        ...{ type: "failed", message: messageOf(error) },
        retriable: error instanceof AttachedPluginError && error.retriable,
      })
    );
  }

  #present(): Parts {
    if (this.#parts === undefined) throw new TypeError("the agent sent no configuration");
    return this.#parts;
  }

  async #failed({ failure }: PluginRun): Promise<void> {
    const retriable = (failure?.cause as { readonly retriable?: unknown } | undefined)?.retriable === true;
    await this.#channel.send({ type: "failed", message: messageOf(failure?.cause), retriable });
  }

  #manifest({ life }: PluginRun): Readonly<Record<string, unknown>> {
    const { routes, announced, hooks } = life!;
    const base = routes.base;
    const registered = routes.app.routes.map(({ method, path }) => `${method} ${path.slice(base.length) || "/"}`);
    return {
      mount: mountOf(this.#definition),
      http: this.#socketPath,
      routes: [...new Set(registered)],
      limits: routes.limits.map(({ path, limits: { maxBodyBytes, handlerMs } }) => ({
        path,
        ...(maxBodyBytes === undefined ? {} : { maxBodyBytes: finiteOrNull(maxBodyBytes) }),
        ...(handlerMs === undefined ? {} : { handlerMs: finiteOrNull(handlerMs) }),
      })),
      metrics: { path: "/metrics", exact: this.#parts!.metrics.exactNames(this.#definition.id) },
      ...(hooks.declaredDrainMs > 0 ? { drainMs: hooks.declaredDrainMs } : {}),
      ...(announced.length === 0 ? {} : { announce: joined(announced) }),
    };
  }

  #open({ config, agent, deadlines, directory, scriptBinDirectory, controlPlane = true }: Configuration): Parts {
    const definition = this.#definition;
    const clock = systemClock;
    const log = this.#logger();
    const settings = pluginConfig(definition, { config, source: "the agent" });
    if ("problems" in settings) {
      throw new TypeError(settings.problems.map(({ path, message }) => `${path}: ${message}`).join("; "));
    }
    const metrics = new MetricsHub({ name: definition.id, version: definition.version }, clock);
    const front = new Front({
      // The agent outside logs each request.
      ...{ clock, log: SILENT, token: randomToken(), logsRequests: false },
      // The agent outside keeps to its own limits before it passes a request on.
      limits: {
        maxBodyBytes: Infinity,
        handlerMs: Infinity,
        maxRequests: Infinity,
        maxWebSockets: Infinity,
        maxTotalQueuedBytes: Infinity,
        heartbeatMs: 0,
      },
      core: {
        greeting: () => `${definition.id} ${definition.version} is running`,
        plugins: () => [],
        health: () => ({ status: "ok" }),
        readiness: () => ({ ready: true, body: { status: "ready" } }),
        metrics: async () => ({ contentType: metrics.contentType, text: await metrics.expositionOf(definition.id) }),
        info: () => ({ name: definition.id, version: definition.version }),
        status: () => ({}),
        recentLog: new RecentLog(),
        document: () => ({}),
        reload: () => Promise.resolve({ plugins: [], agent: [] }),
      },
    });
    this.#environment.scriptBinDirectory = scriptBinDirectory;
    const rpc = new RpcConnection({
      ...controlPlane ? { dial: this.#controlPlane.dial } : {},
      ...{ fetch: noFetch, token: noToken, clock, log },
    });
    const spawner = new Spawner({ processEnv: {}, directory });
    const services = new ServiceDirectory();
    const shared = {
      ...{ host: hostFacts(agent), clock, front, metrics, spawner, services, rpc, deadlines },
      environment: this.#environment,
      agentSocket: NO_AGENT_SOCKET,
      lostFiles: new LostFiles({ log }),
      crashed: (run: PluginRun, error: unknown) => void run.crash(error),
      allowedHosts: [],
      carried: () => ({}),
      renew: noRenewal,
    };
    const planned = { definition, rank: 0, verdict: "run" as const, dependencies: [] };
    const run: PluginRun = new PluginRun(planned, settings.config, "continue", {
      ...{ clock, deadlines, log: () => log },
      openLife: (of, scope) => openLife(of, scope, shared, log),
      missingServices: (of) => services.missing(of),
      withdrawServices: (plugin) => services.withdraw(plugin),
      stateChanged: (of, state) => this.#stateChanged(state, of.lifecycle.reason),
      errorCounted: (_, phase: PluginPhase) => void this.#channel.send({ type: "error", phase }),
    });
    const unhandled = watchUnhandled(
      (owner) => run.owns(owner),
      (error) => log.error("unhandled error", { error: error instanceof Error ? error : String(error) }),
    );
    return { run, front, metrics, spawner, rpc, unhandled };
  }

  #stateChanged(state: State, reason: string | undefined): void {
    if (state === "degraded") void this.#channel.send({ type: "health", status: "degraded", reason });
    else if (state === "running") void this.#channel.send({ type: "health", status: "ok" });
  }

  #logger(): Logger {
    const channel = this.#channel;
    const raw = createLogger({
      ...{ category: [this.#definition.id], clock: systemClock, level: "debug" },
      sink: ({ level, rawMessage, properties }) =>
        void channel.send({
          type: "log",
          level: level === "warning" ? "warn" : level,
          message: String(rawMessage),
          fields: properties,
        }),
    });
    // A flood is cut here: what waits to be written would otherwise end the connection.
    const gate = new LineGate(systemClock, raw);
    const writer = (level: keyof Logger): Logger["info"] => (...line) => gate.write(level, ...line);
    return { debug: writer("debug"), info: writer("info"), warn: writer("warn"), error: writer("error") };
  }
}

interface Parts {
  readonly run: PluginRun;
  readonly front: Front;
  readonly metrics: MetricsHub;
  readonly spawner: Spawner;
  readonly rpc: RpcConnection;
  readonly unhandled: Disposable;
  server?: Deno.HttpServer;
}

/** Whoever reaches the socket is the agent: its directory is private. */
const AGENT = Object.freeze({ transport: "unix", remote: "agent", upgrade: upgradeOnDeno } as const);

function noFetch(): Promise<never> {
  return Promise.reject(
    new TypeError("an attached plugin cannot ask the control plane over HTTP: build it in, or import it"),
  );
}

function noToken(): Promise<never> {
  return Promise.reject(new TypeError("an attached plugin does not get the agent's token: build it in, or import it"));
}

function noRenewal(): never {
  throw new TypeError("an attached plugin cannot ask for another life of the agent: build it in, or import it");
}

const SILENT: Logger = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} });

const NO_AGENT_SOCKET = {
  add(): never {
    throw new TypeError("an attached plugin cannot serve on the agent socket: build it in, or import it");
  },
};

function hostFacts({ version, commandLine }: Configuration["agent"]): HostFacts {
  const { os, arch } = Deno.build;
  return {
    ...{ os: os === "darwin" || os === "windows" ? os : "linux", arch, agentVersion: version },
    denoVersion: Deno.version.deno,
    ...(commandLine === undefined ? {} : { commandLine }),
  };
}

/** Each step has a deadline of its own, and the agent outside has the last word. */
function unbounded(): Deadline {
  return new Deadline(systemClock, Number.MAX_SAFE_INTEGER);
}

function joined(announced: readonly Announcement[]): Announcement {
  return {
    capabilities: announced.flatMap((facts) => facts.capabilities ?? []),
    limits: Object.assign({}, ...announced.map((facts) => facts.limits ?? {})),
    addresses: Object.assign({}, ...announced.map((facts) => facts.addresses ?? {})),
  };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
