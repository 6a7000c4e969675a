/**
 * Joins the HTTP front to the plugins' lives: what each mount answers in each state, and what the agent says of itself.
 *
 * @module
 */
import { elapsedOn } from "./clock.ts";
import type { AgentSettings } from "./config/agent_settings.ts";
import type { Deadline } from "./deadline.ts";
import { mountOf } from "./definition.ts";
import { messageOf } from "./errors.ts";
import { CORE } from "./http/exchange.ts";
import { Front } from "./http/front.ts";
import { type Listener, listenTcp, listenUnix } from "./http/listeners.ts";
import type { Mount, MountAnswer } from "./http/prefix_table.ts";
import { randomToken, type TokenFile, writeTokenFile } from "./http/token.ts";
import { isServing } from "./lifecycle.ts";
import type { BuildInfo } from "./load_plan.ts";
import type { LogLevel } from "./log.ts";
import type { MetricsHub } from "./metrics/hub.ts";
import type { Announcement, Clock, Logger } from "./plugin.ts";
import type { PluginRun } from "./plugin_run.ts";
import { describeRun } from "./plugin_status.ts";
import type { RecentLog } from "./recent_log.ts";
import type { RpcStatus } from "./rpc/connection.ts";
import type { ReloadReport } from "./reload/reload_report.ts";
import type { LostFiles } from "./socket/lost_files.ts";

/** What {@linkcode AgentFront} is made of. */
export interface AgentFrontOptions {
  readonly settings: AgentSettings;
  readonly build: BuildInfo;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: MetricsHub;
  /** The agent's plugins, as they are now. */
  readonly runs: () => readonly PluginRun[];
  /** Whether the start is complete and no stop was asked for. */
  readonly isReady: () => boolean;
  readonly recentLog: RecentLog;
  /** Watches over the sockets and the token file. */
  readonly lostFiles: LostFiles;
  /** How the connection to the control plane stands. */
  readonly controlPlane: () => RpcStatus;
  readonly logLevel: () => LogLevel;
  /** See `Agent.reload`. */
  readonly reload: (force: boolean) => Promise<ReloadReport>;
}

/** Seconds a client should wait before it asks a draining or starting plugin again. */
const RETRY_AFTER_SECONDS = 1;

/**
 * Time for answers that are under way when every plugin has stopped, in milliseconds. The whole shutdown may be allowed minutes,
 * for stop scripts; a client that does not finish its request must not hold the agent for as long.
 */
const LAST_ANSWERS_MS = 2000;

/** The agent's listeners and what they answer. */
export class AgentFront {
  readonly front: Front;
  readonly #options: AgentFrontOptions;
  readonly #token: string;
  readonly #mounts = new Map<string, Mount>();
  readonly #listeners: Listener[] = [];
  readonly #addresses: Record<string, string> = {};
  /** Milliseconds since the epoch. */
  readonly #startedAt: number;
  /** The same moment, for durations. */
  readonly #begin: number;
  #tokenFile: TokenFile | undefined;

  constructor(options: AgentFrontOptions) {
    const { settings, metrics, log, clock } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#begin = elapsedOn(clock);
    this.#token = settings.token?.reveal() ?? randomToken();
    this.front = new Front({
      clock,
      log,
      token: this.#token,
      hosts: settings.http.allowedHosts,
      limits: {
        maxBodyBytes: settings.http.maxBodyBytes,
        maxTotalBodyBytes: settings.http.maxTotalBodyBytes,
        maxTotalQueuedBytes: settings.http.maxTotalQueuedBytes,
        handlerMs: settings.http.handlerMs,
        maxRequests: settings.http.maxConcurrentRequests,
      },
      get logsRequests() {
        return options.logLevel() === "debug";
      },
      observe: (observation) => metrics.requestDone(observation),
      failed: (phase, error) => {
        metrics.pluginFailed("core", phase);
        log.error("core route failed", { phase, error: error instanceof Error ? error : String(error) });
      },
      core: {
        greeting: () => `${options.build.name} ${options.build.version} is running`,
        plugins: () => options.runs().map(describeRun).map(({ id, state, summary }) => ({ id, state, summary })),
        health: () => ({ status: "ok" }),
        readiness: () => this.#readiness(),
        metrics: async () => ({ contentType: metrics.contentType, text: await metrics.exposition() }),
        info: () => this.#info(),
        status: () => this.#status(),
        recentLog: options.recentLog,
        document: () => this.#document(),
        reload: (force) => options.reload(force),
      },
    });
  }

  /** Claims the segments of these plugins and gives all others back; they answer as the plugins' states say from now on. */
  mount(runs: readonly PluginRun[]): void {
    for (const mount of this.#mounts.values()) mount.remove();
    this.#mounts.clear();
    for (const run of runs.toSorted((a, b) => Number(isDisabled(a)) - Number(isDisabled(b)))) {
      if (isDisabled(run) && this.#isClaimed(run)) continue; // An alternative to a running plugin.
      this.#mounts.set(run.id, this.front.mount(run.id, mountOf(run.definition)));
      this.stateChanged(run);
    }
  }

  /** Makes the plugin's mount answer as its new state says. */
  stateChanged(run: PluginRun): void {
    const mount = this.#mounts.get(run.id);
    if (mount !== undefined) mount.answer = answerOf(run);
  }

  /** Opens what the configuration names. @throws {Error} If an address cannot be had; what was opened is closed again. */
  async listen(): Promise<void> {
    const { listen, tokenFile, token } = this.#options.settings;
    if (listen.unix !== null) {
      await this.listenUnix(listen.unix);
      this.#addresses.unix = listen.unix;
    }
    if (listen.tcp !== null) {
      if (tokenFile !== undefined && token === undefined) {
        const write = async () => void (this.#tokenFile = await writeTokenFile(tokenFile, this.#token));
        await write();
        this.#options.lostFiles.watch(tokenFile, write);
      }
      const listener = openTcp(this.front, listen.tcp, this.#options.log);
      this.#listeners.push(listener);
      this.#addresses.http = listener.address;
    }
  }

  /** Opens one Unix listener, private to this user. */
  async listenUnix(path: string): Promise<void> {
    const lost = (reason: unknown) =>
      this.#options.log.error("cannot accept connections, tries again", { address: path, error: messageOf(reason) });
    const open = async () => void this.#listeners.push(await listenUnix(this.front, path, { lost }));
    await open();
    // The old server stays until the end: closing it would remove the new one's file, and it may still be answering.
    this.#options.lostFiles.watch(path, open);
  }

  /** Where the agent listens, and what plugins announced. */
  get addresses(): Readonly<Record<string, string>> {
    const announced = this.#options.runs().filter((run) => isServing(run.state)).flatMap((run) =>
      (run.life?.announced ?? []).map((facts) => facts.addresses ?? {})
    );
    return Object.assign({}, ...announced, this.#addresses);
  }

  /** File that holds the token; absent when the token was given. */
  get tokenFile(): string | undefined {
    return this.#tokenFile?.path;
  }

  /** Answers as the Unix socket does. */
  async fetch(request: Request): Promise<Response> {
    return await this.front.fetch(request, { transport: "unix", remote: "in process" });
  }

  /** Stops listening, lets answers that are under way finish within `deadline`, removes the token file. Never rejects. */
  async close(deadline: Deadline): Promise<void> {
    const last = deadline.nested(LAST_ANSWERS_MS);
    const closing = this.#listeners.splice(0).map((listener) =>
      // Not cut: Deno fails when a server is aborted that is already shutting down. What is left ends with the process.
      last.run(`the last answers of ${listener.address}`, () => listener.close())
    );
    const outcomes = await Promise.allSettled([...closing, this.#tokenFile?.remove()]);
    this.front.close();
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        this.#options.log.warn("listener did not close cleanly", { error: String(outcome.reason) });
      }
    }
  }

  #isClaimed(run: PluginRun): boolean {
    const wanted = new Set([mountOf(run.definition)].flat());
    return [...this.#mounts.values()].some((mount) => mount.segments.some((segment) => wanted.has(segment)));
  }

  #readiness(): { readonly ready: boolean; readonly body: unknown } {
    const ready = this.#options.isReady();
    const plugins = Object.fromEntries(this.#options.runs().map(({ id, state }) => [id, state]));
    return { ready, body: { status: ready ? "ready" : "not ready", plugins } };
  }

  /** Describes what serves now; what describes it is loaded here, as few ever ask. */
  async #document(): Promise<unknown> {
    const { apiDocument } = await import("./http/api_document.ts");
    const { coreApi } = await import("./http/core_api.ts");
    const { build } = this.#options;
    const serving = this.#options.runs().filter((run) => isServing(run.state) && run.life !== undefined);
    const plugins = await Promise.all(serving.map(async ({ id, definition, life }) => ({
      id,
      summary: definition.summary,
      base: life!.routes.base,
      routes: await life!.routes.descriptions(),
    })));
    return apiDocument(build, [{ id: CORE, summary: "The agent itself.", base: "", routes: coreApi }, ...plugins]);
  }

  #status(): unknown {
    const { build, clock, runs, isReady, controlPlane } = this.#options;
    const { state, version, lastError } = controlPlane();
    return {
      name: build.name,
      version: build.version,
      pid: Deno.pid,
      started_at: new Date(this.#startedAt).toISOString(),
      uptime_seconds: (elapsedOn(clock) - this.#begin) / 1000,
      memory_bytes: Deno.memoryUsage().rss,
      ready: isReady(),
      addresses: this.addresses,
      control_plane: { state, version, last_error: lastError },
      plugins: runs().map(describeRun).map(({ id, state, reason }) => ({ id, state, reason })),
    };
  }

  #info(): unknown {
    const { build, settings } = this.#options;
    const runs = this.#options.runs();
    const serving = runs.filter((run) => isServing(run.state));
    return {
      name: build.name,
      version: build.version,
      api: "v0",
      plugins: runs.map(describeRun).map(({ id, version, stability, state, reason, mounts, setupMs, startMs }) => ({
        ...{ id, version, stability, state, reason, mounts, setup_ms: setupMs, start_ms: startMs },
      })),
      capabilities: serving.flatMap((run) => announcements(run).flatMap((facts) => facts.capabilities ?? [])).sort(),
      limits: {
        agent: settings.http,
        ...Object.fromEntries(
          serving.map((run) => [run.id, Object.assign({}, ...announcements(run).map((facts) => facts.limits ?? {}))]),
        ),
      },
    };
  }
}

function isDisabled(run: PluginRun): boolean {
  return run.planned.verdict === "disabled";
}

function openTcp(front: Front, address: string, log: Logger): Listener {
  const said = (what: "lost" | "back", reason?: unknown) => {
    if (what === "back") log.info("listens again", { address });
    else log.error("cannot accept connections, tries again", { address, error: messageOf(reason) });
  };
  try {
    return listenTcp(front, { ...parseAddress(address), said });
  } catch (error) {
    throw new Error(
      `Cannot listen on ${address}: ${
        messageOf(error)
      }; choose another address with --listen, or port 0 for a free one`,
      { cause: error },
    );
  }
}

/** `HOST:PORT`, checked by the settings' schema; an IPv6 host is in brackets. */
function parseAddress(address: string): { hostname: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { hostname: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

function announcements(run: PluginRun): readonly Announcement[] {
  return run.life?.announced ?? [];
}

/** What requests to a plugin get in each of its states. */
function answerOf(run: PluginRun): MountAnswer {
  const { id, state, life, lifecycle: { reason } } = run;
  if (isServing(state) && life !== undefined) return { kind: "serving", routes: life.routes };
  const detail = reason ?? run.planned.reason;
  switch (state) {
    case "disabled":
      return {
        ...{ kind: "unavailable", status: 404, code: "plugin_disabled", message: `Plugin "${id}" is disabled` },
        detail: `${detail}: set "plugins": { "${id}": true } in the configuration to enable it`,
      };
    case "skipped":
      return {
        ...{ kind: "unavailable", status: 503, code: "plugin_skipped", message: `Plugin "${id}" does not run` },
        detail,
      };
    case "failed":
      return {
        ...{ kind: "unavailable", status: 503, code: "plugin_failed", message: `Plugin "${id}" has failed` },
        detail,
      };
    case "draining":
    case "stopping":
    case "stopped":
      return {
        ...{ kind: "unavailable", status: 503, code: "plugin_draining", message: `Plugin "${id}" is being stopped` },
        retryAfterSeconds: RETRY_AFTER_SECONDS,
        ...(state === "draining" && life !== undefined && { routes: life.routes }),
      };
    default:
      return {
        ...{ kind: "unavailable", status: 503, code: "plugin_starting", message: `Plugin "${id}" is being started` },
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      };
  }
}
