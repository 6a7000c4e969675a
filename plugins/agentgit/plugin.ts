/**
 * The git plugin: wiring.
 *
 * @module
 */
import { messageOf, SpawnError } from "../../core/errors.ts";
import { resolveProgram } from "../../core/exec/program.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { agentgitConfig } from "./config.ts";
import { Git } from "./git_command.ts";
import { PathStore } from "./path_store.ts";
import { registerRoutes } from "./routes.ts";
import { PathActivity } from "./service.ts";

/** Tells watchers how the repositories that a chat works in change. */
const agentgit: Plugin = definePlugin({
  id: "agentgit",
  version: "1.0.0",
  api: 1,
  summary: "Shows how the git repositories that a chat works in change, while they change.",
  stability: "beta",
  mount: "git",
  config: agentgitConfig,
  provides: [PathActivity],
  permissions: { read: true, write: true, run: true },
  setup(ctx) {
    const { config, exec, clock, log, health } = ctx;
    const git = new Git({ exec, program: config.gitProgram, maxComparedFileBytes: config.maxComparedFileBytes });
    const paths = new PathStore({ maxPathsPerChat: config.maxPathsPerChat });
    const scans = ctx.metrics.counter("scans_total", {
      help: "Scans of repositories by result. Many failed ones: see the log for what git complained about.",
      labels: { result: ["changed", "same", "gone", "failed"] },
    });
    const sessions = ctx.metrics.gauge("watch_connections", { help: "Watch connections that are open." });
    const commands = ctx.metrics.gauge("git_commands", {
      help: "Git commands started so far. A steady rise while nobody works: file-system events do not reach the agent.",
    });
    commands.collect(() => git.started);
    let isGitThere = true;
    let isWithoutEvents = false;

    function onGit(isThere: boolean): void {
      if (isThere === isGitThere) return;
      isGitThere = isThere;
      if (isThere) return health.ok();
      log.warn("git was not found", { program: config.gitProgram });
      health.degraded(`git was not found: "${config.gitProgram}" is not on the PATH, no repository is watched`);
    }
    function onEventsLost(repo: string, error: unknown): void {
      log.warn("no file-system events, polling instead", { repo, pollMs: config.pollMs, error: messageOf(error) });
      if (isWithoutEvents || !isGitThere) return;
      isWithoutEvents = true;
      health.degraded(`no file-system events for some repositories, polling every ${config.pollMs} ms instead`);
    }

    ctx.provide(PathActivity, { touched: (chatIds, touched) => paths.touched(chatIds, touched) });
    ctx.announce({ capabilities: ["git.watch", "git.show", "git.status", "git.diff"] });
    ctx.hooks.onReady(async () => {
      const { PATH = "" } = await ctx.env.build();
      try {
        // Looked for and not run: a process would hold up every start of the agent.
        resolveProgram(config.gitProgram, { path: PATH, cwd: "/" });
      } catch (error) {
        if (!(error instanceof SpawnError)) throw error;
        onGit(false);
      }
    });
    registerRoutes(ctx.routes, {
      git,
      paths,
      config,
      openSession: async (socket) => {
        sessions.add(1);
        socket.closed.then(() => sessions.add(-1));
        // Most of the plugin, and not needed before somebody watches.
        const [{ WatchSession }, { watchDirectories }] = await Promise.all([
          import("./watch_session.ts"),
          import("./file_events.ts"),
        ]);
        return new WatchSession({
          git,
          clock,
          log,
          config,
          watchDirectories: config.fileEvents ? watchDirectories : undefined,
          fallbackDirectory: () => exec.directory(),
          onGit,
          onScan: (result) => scans.inc({ result }),
          onEventsLost,
        }, socket);
      },
    });
  },
  checks: [{
    name: "git",
    summary: "Whether git is there.",
    load: async () => (await import("./git_check.ts")).checkGit,
  }],
});
export default agentgit;
