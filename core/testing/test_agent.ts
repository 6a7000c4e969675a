/**
 * An agent for tests: no network, no real time unless asked for, and a clean end or a failed test.
 *
 * @module
 */
import { join } from "@std/path";

import { type Agent, type AgentOptions, createAgent, type ExitReport } from "../agent.ts";
import { systemClock } from "../clock.ts";
import type { LoadedConfig } from "../config/loaded_config.ts";
import { resolveConfig } from "../config/resolve_config.ts";
import { isServing, type State } from "../lifecycle.ts";
import { LogBuffer } from "../log.ts";
import type { Plugin, ServiceToken, Variables } from "../plugin.ts";
import type { PluginStatus } from "../plugin_status.ts";
import type { ReloadReport } from "../reload/reload_report.ts";
import type { ProvidedService } from "../services.ts";
import type { TestControlPlane } from "./control_plane.ts";
import { openTestSocket, type TestSocket } from "./test_socket.ts";
import { ResourceWatch } from "./resource_watch.ts";
import { stackOf, VirtualClock } from "./virtual_clock.ts";

/** What {@linkcode createTestAgent} takes. */
export interface TestAgentOptions {
  readonly plugins: readonly Plugin[];
  /** Settings by plugin id: what stands under `config` in a file. A plugin's whole entry goes into {@linkcode entries}. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Whole entries by plugin id: `false`, or `{ enabled, onFailure, config }`. */
  readonly entries?: Readonly<Record<string, unknown>>;
  /** The `agent` section. */
  readonly agent?: Readonly<Record<string, unknown>>;
  /** Services from outside, usually {@linkcode fake}s. */
  readonly services?: readonly ProvidedService[];
  /** The agent's own environment. Default: `PATH` and `HOME` of the process, nothing else. */
  readonly env?: Variables;
  /** `"real"` for tests of work that takes time of its own, such as child processes with deadlines. Default `"virtual"`. */
  readonly time?: "virtual" | "real";
  /** Default: none, so that calls of `ctx.rpc` throw. */
  readonly controlPlane?: TestControlPlane;
  /** Program and first arguments that run the agent's commands. Default: `/usr/bin/outpost`. */
  readonly commandLine?: readonly [program: string, ...args: string[]];
  /** Do not fail the test for error lines it has not read with {@linkcode TestAgent.errors}. */
  readonly ignoreErrors?: boolean;
}

/** One log line. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly category: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Starts an agent. Use it with `await using`: leaving the block stops it and fails on leaks. */
export async function createTestAgent(options: TestAgentOptions): Promise<TestAgent> {
  const agent = new TestAgent(options);
  try {
    await agent.restart();
  } catch (error) {
    await agent.abandon();
    throw error;
  }
  return agent;
}

/** See {@linkcode createTestAgent}. */
export class TestAgent implements AsyncDisposable {
  /** The agent's time; moves by `clock.advance(ms)` only. Not moving anything with `time: "real"`. */
  readonly clock: VirtualClock = new VirtualClock();
  readonly #options: TestAgentOptions;
  readonly #buffer = new LogBuffer(10_000);
  readonly #sockets = new Set<TestSocket>();
  readonly #resources = new ResourceWatch();
  #readErrors = 0;
  #agent: Agent;
  #directory: string | undefined;
  #listening: Promise<string> | undefined;

  /** @param options See {@linkcode createTestAgent}. */
  constructor(options: TestAgentOptions) {
    this.#options = options;
    this.#agent = this.#create();
  }

  /** The agent itself. */
  get agent(): Agent {
    return this.#agent;
  }

  /** `GET path`. */
  get(path: string, headers: HeadersInit = {}): Promise<Response> {
    return this.fetch(path, { headers });
  }

  /** `POST path` with `body` as JSON; bytes, streams and strings go as they are. */
  post(path: string, body?: unknown, headers: HeadersInit = {}): Promise<Response> {
    const isRaw = body instanceof Uint8Array || body instanceof ReadableStream || typeof body === "string";
    return this.fetch(path, {
      method: "POST",
      headers: isRaw ? headers : { "content-type": "application/json", ...Object.fromEntries(new Headers(headers)) },
      body: body === undefined ? undefined : isRaw ? body as BodyInit : JSON.stringify(body),
    });
  }

  /** Any request, answered in this process as the Unix socket would answer it. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return this.#agent.fetch(new Request(new URL(path, "http://localhost"), init));
  }

  /** Opens a WebSocket, over a private Unix socket that is made when the first one is opened. */
  async webSocket(path: string, headers: Readonly<Record<string, string>> = {}): Promise<TestSocket> {
    const socket = await openTestSocket(await this.#listen(), path, headers);
    this.#sockets.add(socket);
    return socket;
  }

  /** Value of one series; `undefined` when it is not there. `name` with suffixes such as `_count` as Prometheus shows it. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    const wanted = JSON.stringify(Object.entries(labels).sort());
    for (const line of (await this.#agent.metrics()).split("\n")) {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match?.[1] !== name) continue;
      const found = [...(match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key, value]);
      if (JSON.stringify(found.sort()) === wanted) return Number(match[3]);
    }
    return undefined;
  }

  /** Lines so far, all of them or those of one level. */
  logs(level?: "debug" | "info" | "warn" | "error"): readonly LogLine[] {
    const taped = level === "warn" ? "warning" : level;
    return this.#buffer.records.filter((record) => taped === undefined || record.level === taped).map((record) => ({
      level: record.level,
      message: String(record.rawMessage),
      category: record.category.join("."),
      fields: record.properties,
    }));
  }

  /** Error lines that were not read before. Reading says that the test expected them. */
  errors(): readonly LogLine[] {
    const all = this.logs("error");
    const unread = all.slice(this.#readErrors);
    this.#readErrors = all.length;
    return unread;
  }

  /** State of a plugin. @throws {TypeError} If there is no such plugin. */
  state(plugin: string): State {
    return this.status(plugin).state;
  }

  /** Everything that is told about a plugin. @throws {TypeError} If there is no such plugin. */
  status(plugin: string): PluginStatus {
    const status = this.#agent.plugins().find(({ id }) => id === plugin);
    if (status === undefined) throw new TypeError(`This agent has no plugin "${plugin}"`);
    return status;
  }

  /** Whether the plugin serves, and why not fully when it is degraded. */
  health(plugin: string): { readonly ok: boolean; readonly reason?: string } {
    const { state, reason } = this.status(plugin);
    return { ok: state === "running", ...(isServing(state) && reason === undefined ? {} : { reason }) };
  }

  /** Resolves when a plugin is in `state`. */
  async untilState(plugin: string, state: State): Promise<void> {
    while (this.#agent.plugins().find(({ id }) => id === plugin)?.state !== state) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A service of the agent. @throws {TypeError} If nothing provides it. */
  service<S>(token: ServiceToken<S>): S {
    const service = this.#agent.service(token);
    if (service === undefined) throw new TypeError(`Nothing provides "${token.id}"`);
    return service;
  }

  /** Ends a running plugin as if it had failed. */
  crash(plugin: string, error: unknown = new Error("crashed by the test")): Promise<void> {
    return this.#agent.crash(plugin, error);
  }

  /**
   * Goes to other settings while the agent runs, as `outpost reload` does. What is not given stays as it was at the start; a later
   * call starts from the first settings again.
   *
   * @throws {ConfigError} If they have problems.
   * @throws {ReloadError} If they would end processes, or a plugin does not take them.
   */
  reload(
    settings: Pick<TestAgentOptions, "config" | "entries" | "agent">,
    options: { readonly force?: boolean } = {},
  ): Promise<ReloadReport> {
    return this.#agent.reload({ config: configOf({ ...this.#options, ...settings }), ...options });
  }

  /** Stops the agent; `restart` begins a new life with the same options. */
  async stop(reason = "test"): Promise<ExitReport> {
    const report = await this.#agent.stop(reason);
    for (const socket of this.#sockets) await socket.closed; // The agent closes them all, with 1001.
    this.#sockets.clear();
    return report;
  }

  /** Stops the present life, if there is one, and starts another. */
  async restart(): Promise<void> {
    await this.stop();
    this.#listening = undefined;
    this.#agent = this.#create();
    await this.#agent.start();
  }

  /** Stops without judging what was left behind. */
  async abandon(): Promise<void> {
    await this.stop();
    this.#resources[Symbol.dispose]();
    if (this.#directory !== undefined) await Deno.remove(this.#directory, { recursive: true });
  }

  /** Stops the agent. @throws {Error} If plugin code is still running, timers are left, or errors were not read. */
  async [Symbol.asyncDispose](): Promise<void> {
    const report = await this.stop();
    const leaks = this.#resources.leaks();
    await this.abandon();
    const problems = report.unfinished.map(({ what, origin }) =>
      `still running: ${what}${origin === undefined ? "" : `, begun by ${stackOf(origin)}`}`
    );
    problems.push(...leaks);
    for (const sleeper of this.clock.sleepers) problems.push(`not cancelled: ${sleeper}`);
    if (!this.#options.ignoreErrors) {
      for (const { message, fields } of this.errors()) {
        problems.push(`error in the log: ${message} ${JSON.stringify(fields)}`);
      }
    }
    if (problems.length > 0) throw new Error(`The agent left something behind:\n  ${problems.join("\n  ")}`);
  }

  #listen(): Promise<string> {
    return this.#listening ??= this.#openSocket();
  }

  async #openSocket(): Promise<string> {
    this.#directory ??= await Deno.makeTempDir({ prefix: "outpost-test-" });
    return await this.#agent.listenUnix(join(this.#directory, "agent.sock"));
  }

  #create(): Agent {
    const { plugins, services, time, env, controlPlane, commandLine = ["/usr/bin/outpost"] } = this.#options;
    const options: AgentOptions = {
      plugins,
      services,
      config: configOf(this.#options),
      env: env ?? { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/tmp" },
      ...(controlPlane === undefined ? {} : {
        dial: controlPlane.dial,
        fetchControlPlane: controlPlane.fetch,
        controlPlaneToken: () => Promise.resolve(controlPlane.token),
      }),
      commandLine,
      executable: "/usr/bin/outpost",
      clock: time === "real" ? systemClock : this.clock,
      logSink: this.#buffer.sink,
    };
    return createAgent(options);
  }
}

function configOf({ config = {}, entries = {}, agent = {} }: TestAgentOptions): LoadedConfig {
  const settings = Object.entries(config).map(([id, value]) => [id, { config: value }]);
  return resolveConfig({
    cwd: "/",
    env: {},
    raw: {
      agent: { listen: { tcp: null, unix: null }, log: { level: "debug" }, ...agent },
      plugins: { ...Object.fromEntries(settings), ...entries },
    },
  });
}
