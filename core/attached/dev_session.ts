/**
 * A plugin under the hands of its author: attached to an agent of its own, started again when a file is saved.
 *
 * @module
 */
import { dirname, relative } from "@std/path";

import type { LogRecord } from "@logtape/logtape";

import { aborted } from "../aborted.ts";
import { type Agent, createAgent } from "../agent.ts";
import { elapsedOn, systemClock } from "../clock.ts";
import type { LoadedConfig } from "../config/loaded_config.ts";
import { Secret } from "../config/secret.ts";
import { messageOf } from "../errors.ts";
import type { ProcessGroups } from "../exec/process_groups.ts";
import { Spawner } from "../exec/spawner.ts";
import { randomToken } from "../http/token.ts";
import { isServing } from "../lifecycle.ts";
import type { Clock, Variables } from "../plugin.ts";
import { denoPath, describeFile } from "./deno_program.ts";
import { describeAgent, Faults, metricChanges, type MetricValues, metricValues, plainErrors } from "./dev_report.ts";
import type { PluginDescription } from "./protocol.ts";

/** Quiet after a change before it counts, in milliseconds: editors write a file in several steps. */
const QUIET_MS = 150;
/** Time between two looks at the metrics, in milliseconds. */
const METRICS_MS = 2000;
/** Said of a file that does not run. */
const WAITING = "Waiting for a change…\n";

/** What {@linkcode runDevSession} takes. */
export interface DevSessionOptions {
  /** Absolute path of the plugin's file. */
  readonly file: string;
  /** Settings of the agent, and the plugin's own under its id. */
  readonly config: LoadedConfig;
  readonly env: Variables;
  /** Ends the session, and everything it started. */
  readonly signal: AbortSignal;
  /** Writes to the terminal as it is. */
  readonly out: (text: string) => Promise<void>;
  readonly logSink: (record: LogRecord) => void;
  readonly clock?: Clock;
}

/** Runs until the signal aborts. Nothing it started is left then. */
export async function runDevSession(options: DevSessionOptions): Promise<void> {
  await using session = new DevSession(options);
  await session.run();
}

class DevSession implements AsyncDisposable {
  readonly #options: DevSessionOptions;
  readonly #clock: Clock;
  readonly #token = randomToken();
  readonly #programs: ProcessGroups;
  /** Taken over by the next agent, so that addresses stay what they were. */
  #tcp: string;
  /** Where the plugin's last error was thrown. */
  #failedAt: string | undefined;

  constructor(options: DevSessionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#tcp = options.config.agent.listen.tcp ?? "127.0.0.1:0";
    this.#programs = new Spawner({ processEnv: options.env }).scope("dev", { build: () => Promise.resolve({}) });
  }

  async run(): Promise<void> {
    const { file, signal, out } = this.#options;
    using changes = new Changes(dirname(file), this.#clock);
    while (!signal.aborted) {
      const round = new AbortController();
      const changed = changes.next(AbortSignal.any([signal, round.signal]));
      const [path] = await Promise.all([changed.finally(() => round.abort()), this.#round(round.signal)]);
      if (path !== undefined) await out(`\n${relative(dirname(file), path) || file} changed\n`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs.close();
  }

  /** One life of the plugin, until something changes. Never rejects. */
  async #round(over: AbortSignal): Promise<void> {
    const { out } = this.#options;
    const faults = new Faults();
    const checked = this.#check(over, faults);
    let agent: Agent | undefined;
    try {
      const description = await this.#describe(over);
      agent = this.#agent(description);
      await agent.start();
      const { http } = agent.addresses;
      if (http !== undefined) this.#tcp = new URL(http).host;
      // Taken before the address is told: what the first request changes shows, too.
      const metrics = metricValues(await agent.metrics(), description.id);
      await out(await describeAgent(agent, description.id, { token: this.#token, failedAt: this.#failedAt }));
      if (agent.plugins().some(({ state }) => isServing(state))) {
        await this.#showMetrics(agent, description.id, { seen: metrics, over });
      } else if (!over.aborted) await out(WAITING);
    } catch (error) {
      if (!over.aborted) await out(faults.news(messageOf(error)));
      // The compiler has its say first, so that this is the last word.
      await checked;
      if (!over.aborted) await out(WAITING);
    } finally {
      await aborted(over);
      await agent?.stop(this.#options.signal.aborted ? "ended by its author" : "its file changed");
      await checked;
    }
  }

  #agent({ id, mount }: PluginDescription): Agent {
    const { config, env, file, logSink } = this.#options;
    const configured = config.entries.get(id);
    this.#failedAt = undefined;
    return createAgent({
      plugins: [],
      env,
      logSink: (record) => {
        const { at } = record.properties;
        if (record.rawMessage === "plugin error" && typeof at === "string") this.#failedAt = at;
        logSink(record);
      },
      config: {
        ...config,
        agent: {
          ...config.agent,
          listen: { tcp: this.#tcp, unix: null, agentSocket: null },
          token: new Secret(this.#token),
          log: { ...config.agent.log, level: "debug" },
        },
        entries: new Map([[id, {
          ...{ id, from: file, onFailure: "continue", config: configured?.config, source: "outpost dev" },
          attached: {
            ...{ runs: "deno", args: configured?.attached?.args ?? [], env: configured?.attached?.env ?? [] },
            ...(mount === undefined ? {} : { mount }),
          },
        }]]),
      },
    });
  }

  async #describe(signal: AbortSignal): Promise<PluginDescription> {
    return await describeFile(this.#options.file, {
      ...{ deno: this.#deno(), variables: this.#options.env, clock: this.#clock, signal },
      start: (spawned, variables) => this.#programs.spawn(spawned, { build: () => Promise.resolve({ ...variables }) }),
    });
  }

  /** Says what the compiler says, while the plugin runs already: half-finished types are no reason to wait. */
  async #check(signal: AbortSignal, faults: Faults): Promise<void> {
    const { file, env, out } = this.#options;
    try {
      const environment = { build: () => Promise.resolve({ ...env, NO_COLOR: "1" }) };
      const child = await this.#programs.spawn({
        command: [this.#deno(), "check", "--quiet", file],
        cwd: dirname(file),
        signal,
      }, environment);
      const text = await new Response(child.output).text();
      const { code } = await child.exited;
      if (code !== 0 && !signal.aborted) await out(faults.news(plainErrors(text)));
    } catch (error) {
      if (!signal.aborted) await out(`Cannot check the types: ${messageOf(error)}\n`);
    }
  }

  async #showMetrics(
    agent: Agent,
    plugin: string,
    { seen, over }: { seen: MetricValues; readonly over: AbortSignal },
  ): Promise<void> {
    while (!over.aborted) {
      await this.#clock.sleep(METRICS_MS, over).catch(() => {}); // Aborted: the loop ends.
      const now = metricValues(await agent.metrics(), plugin);
      const lines = metricChanges(seen, now);
      if (lines !== "" && !over.aborted) await this.#options.out(lines);
      seen = now;
    }
  }

  #deno(): string {
    return denoPath(this.#options.env.PATH ?? "");
  }
}

/** Saved files below a directory, bursts as one. */
class Changes implements Disposable {
  readonly #watcher: Deno.FsWatcher;
  readonly #clock: Clock;
  #path: string | undefined;
  #latest = 0;
  #happened = Promise.withResolvers<void>();

  constructor(directory: string, clock: Clock) {
    this.#clock = clock;
    this.#watcher = Deno.watchFs(directory);
    void this.#watch();
  }

  /** The next change since the last call, once it is quiet again; `undefined` when aborted. */
  async next(signal: AbortSignal): Promise<string | undefined> {
    await Promise.race([this.#happened.promise, aborted(signal)]);
    while (!signal.aborted) {
      const leftMs = this.#latest + QUIET_MS - elapsedOn(this.#clock);
      if (leftMs <= 0) break;
      await this.#clock.sleep(leftMs, signal).catch(() => {}); // Aborted: the loop ends.
    }
    if (signal.aborted) return undefined;
    const path = this.#path;
    this.#happened = Promise.withResolvers();
    return path;
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }

  async #watch(): Promise<void> {
    for await (const { kind, paths } of this.#watcher) {
      const path = kind === "access" ? undefined : paths.find(isSource);
      if (path === undefined) continue;
      this.#path = path;
      this.#latest = elapsedOn(this.#clock);
      this.#happened.resolve();
    }
  }
}

/** What a plugin is made of; not what tools keep beside it. */
function isSource(path: string): boolean {
  return /\.(?:[cm]?[jt]sx?|jsonc?|wasm)$/.test(path) && !/[/\\](?:node_modules|\.[^/\\]+)[/\\]/.test(path);
}
