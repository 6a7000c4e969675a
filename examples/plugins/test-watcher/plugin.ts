/**
 * Wiring of the test watcher.
 *
 * @module
 */
import { definePlugin, optional, type OptionalNeed, type Plugin } from "@outpost/agent";
import { AuditTrail } from "../audit-trail/service.ts";
import { testWatcherConfig } from "./config.ts";
import { serveViewer } from "./live.ts";
import { RunHistory } from "./run_history.ts";
import { watchTests } from "./start.ts";
import { TestRunner } from "./test_runner.ts";

/** Starts of the task that watches files, per hour: a directory that comes and goes must not keep the machine busy. */
const RESTARTS_PER_HOUR = 20;

/** What viewers type is short. In bytes. */
const MAX_MESSAGE_BYTES = 4096;
/** A few runs with their output; who does not read that much is gone. In bytes. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;

const needs: { readonly trail: OptionalNeed<AuditTrail> } = { trail: optional(AuditTrail) };

/** Runs a command on file changes. */
const plugin: Plugin = definePlugin({
  id: "test-watcher",
  version: "0.1.0",
  api: 1,
  stability: "experimental",
  summary: "Runs a command whenever files change, and tells how it went.",
  // It needs a command.
  enabledByDefault: false,
  config: testWatcherConfig,
  needs,
  permissions: { read: true, run: true, ffi: true },
  supported: ({ os }) => os !== "windows" || { reason: "process groups need a Unix system" },
  setup(ctx) {
    const runs = ctx.metrics.counter("runs_total", {
      help: "Runs by outcome; failures that do not end mean that nobody looks, stopped ones that runMs is too short.",
      labels: { outcome: ["passed", "failed", "stopped"] },
    });
    const seconds = ctx.metrics.histogram("run_seconds", {
      help: "Time of a run; a rise means that people wait longer for an answer.",
      buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300],
    });
    const passing = ctx.metrics.gauge("passing", {
      help: "1 when the latest run passed; 0 for long means that somebody left something broken.",
    });
    const history = new RunHistory(() => ctx.config.maxRuns);
    const runner = new TestRunner({
      ...{ exec: ctx.exec, clock: ctx.clock, log: ctx.log, history },
      get config() {
        return ctx.config;
      },
      onEnd(run) {
        if (run.state !== "running") runs.inc({ outcome: run.state });
        passing.set(run.state === "passed" ? 1 : 0);
        seconds.observe((run.durationMs ?? 0) / 1000);
        ctx.health.ok();
        const { number, state, changed } = run;
        // A run is over before its record is written; a trail that cannot be written says so itself.
        void ctx.services.trail?.record("tests.run", { number, state, changed }).catch(() => {});
      },
    });
    // Tests and their helpers can tell that nobody sits in front of them.
    ctx.env.contribute("test-watcher", () => ({ TEST_WATCHER: "1" }));
    ctx.tasks.run("run tests", (signal) => runner.serve(signal), { restart: { maxPerHour: RESTARTS_PER_HOUR } });
    ctx.tasks.run("watch files", async (signal) => {
      const { paths, ignore, directory: named } = ctx.config;
      const directory = named ?? await ctx.exec.directory();
      const watched = paths.length === 0 ? [directory] : paths.map((path) => `${directory}/${path}`);
      using watcher = Deno.watchFs(watched);
      signal.addEventListener("abort", () => watcher.close(), { once: true });
      for await (const { kind, paths: changed } of watcher) {
        if (kind === "access") continue;
        const counts = changed.find((path) => !path.split("/").some((name) => ignore.includes(name)));
        if (counts !== undefined) runner.request(counts);
      }
    }, { restart: { maxPerHour: RESTARTS_PER_HOUR } });
    ctx.hooks.onShutdown(() => {
      const latest = history.runs.at(-1);
      ctx.log.info("tests are not watched any more", { runs: latest?.number ?? 0, latest: latest?.state });
    });

    ctx.routes.app.get("/", (c) => c.json({ runs: history.runs }));
    ctx.routes.app.post("/run", (c) => c.json({ run: runner.request("asked for") }, 202));
    ctx.routes.webSocket(
      "/live",
      () => (socket) => serveViewer(socket, { history, runner, signal: ctx.signal }),
      { heartbeat: true, maxMessageBytes: MAX_MESSAGE_BYTES, maxQueuedBytes: MAX_QUEUED_BYTES },
    );
    ctx.routes.describe(async () => (await import("./api.ts")).testWatcherApi);
    ctx.announce({ capabilities: ["tests.watch"], limits: { maxRuns: ctx.config.maxRuns } });
  },
  /** The command and the limits are read at each run; what is watched is fixed for a life. */
  reconfigure(ctx, next) {
    const { config } = ctx;
    const watched = ({ directory, paths, ignore }: typeof next) => JSON.stringify([directory, paths, ignore]);
    if (watched(config) !== watched(next)) return "restart";
    ctx.announce({ limits: { maxRuns: next.maxRuns } });
  },
  starts: [watchTests],
  commands: [{
    name: "test-watcher",
    summary: "Show how the latest run of the watched tests went; 1 when it failed.",
    load: async () => (await import("./show_latest.ts")).showLatest,
  }],
  checks: [{
    name: "inotify",
    summary: "Whether files can be watched.",
    load: async () => (await import("./inotify_check.ts")).checkInotify,
  }],
});
export default plugin;
