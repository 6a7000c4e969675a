/**
 * Wiring of the test watcher.
 *
 * @module
 */
import { definePlugin, type Plugin } from "@outpost/agent";
import { testWatcherConfig } from "./config.ts";
import { RunHistory, type TestRun } from "./run_history.ts";
import { TestRunner } from "./test_runner.ts";

/** Starts of the task that watches files, per hour: a directory that comes and goes must not keep the machine busy. */
const RESTARTS_PER_HOUR = 20;

/** Runs a command on file changes. */
const plugin: Plugin = definePlugin({
  id: "test-watcher",
  version: "0.1.0",
  api: 1,
  stability: "experimental",
  summary: "Runs a command whenever files change, and tells how it went.",
  config: testWatcherConfig,
  permissions: { read: true, run: true },
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
    const history = new RunHistory(() => ctx.config.maxRuns);
    const runner = new TestRunner({
      exec: ctx.exec,
      clock: ctx.clock,
      get config() {
        return ctx.config;
      },
      history,
      onEnd(run) {
        if (run.state !== "running") runs.inc({ outcome: run.state });
        seconds.observe((run.durationMs ?? 0) / 1000);
        ctx.health.ok();
      },
    });
    // Tests and their helpers can tell that nobody sits in front of them.
    ctx.env.contribute("test-watcher", () => ({ TEST_WATCHER: "1" }));
    ctx.tasks.run("run tests", (signal) => runner.serve(signal), { restart: { maxPerHour: RESTARTS_PER_HOUR } });
    ctx.tasks.run("watch files", async (signal) => {
      const { directory, paths, ignore } = ctx.config;
      const watched = paths.length === 0 ? [directory] : paths.map((path) => `${directory}/${path}`);
      using watcher = Deno.watchFs(watched);
      signal.addEventListener("abort", () => watcher.close(), { once: true });
      for await (const { kind, paths: changed } of watcher) {
        if (kind === "access") continue;
        const counts = changed.find((path) => !path.split("/").some((name) => ignore.includes(name)));
        if (counts !== undefined) runner.request(counts);
      }
    }, { restart: { maxPerHour: RESTARTS_PER_HOUR } });

    ctx.routes.app.get("/", (c) => c.json({ runs: history.runs }));
    ctx.routes.app.post("/run", (c) => {
      runner.request("asked for");
      return c.json({ message: "A run is on its way" }, 202);
    });
    ctx.routes.webSocket("/live", () => async (socket) => {
      for await (const run of history.watch(AbortSignal.any([socket.signal, ctx.signal]))) {
        await socket.send(JSON.stringify(run));
      }
    });
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
  commands: [{
    name: "test-watcher",
    summary: "Show how the latest run of the watched tests went.",
    load: () =>
      Promise.resolve(async (ctx) => {
        const response = await (await ctx.agent()).fetch("/api/v0/test-watcher");
        const { runs } = await response.json() as { readonly runs: readonly TestRun[] };
        const latest = runs.at(-1);
        await ctx.out(
          latest === undefined ? "No run yet\n" : `${latest.output}run ${latest.number}: ${latest.state}\n`,
        );
        return latest === undefined || latest.state === "passed" ? 0 : 1;
      }),
  }],
  checks: [{
    name: "test-watcher",
    summary: "Whether files can be watched.",
    load: () =>
      Promise.resolve(async () => {
        const text = await Deno.readTextFile("/proc/sys/fs/inotify/max_user_watches").catch(() => "");
        const watches = Number(text);
        if (text === "" || watches >= FEW_WATCHES) return { status: "ok", found: "files can be watched" };
        return {
          status: "warning",
          found: `the kernel lets one user watch ${watches} files`,
          mend: "sysctl fs.inotify.max_user_watches=524288",
        };
      }),
  }],
});
export default plugin;

/** Less than what a middle-sized project with its dependencies needs. */
const FEW_WATCHES = 8192;
