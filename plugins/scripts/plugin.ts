/**
 * Wires scripts to the reported lifecycle, to processes, and to the log sender.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "@std/path";

import { elapsedOn } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { loginVariables, userShell } from "../../core/exec/user_shell.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { LifecycleReports, type Manifest, type ManifestScript } from "../controlplane/service.ts";
import { expandPath } from "../../core/expand_path.ts";
import { scriptsConfig } from "./config.ts";
import { CompletionReports } from "./completion_reports.ts";
import { LogSender } from "./log_sender.ts";
import { runScript, type ScriptEnd, type ScriptSurroundings, UNKNOWN_EXIT_CODE } from "./script_run.ts";
import { type NextTime, ScriptRunner, type Stage } from "./script_runner.ts";

/** Runs the control plane's scripts. */
const scripts: Plugin = definePlugin({
  id: "scripts",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary: "Runs the control plane's start, stop and repeated scripts and sends their output.",
  config: scriptsConfig,
  needs: { lifecycle: LifecycleReports },
  permissions: { run: true, read: true, write: true },
  supported: (host) => host.os !== "windows" || { reason: "process groups need a Unix system" },
  setup(ctx) {
    const { config, clock, log } = ctx;
    const executed = ctx.metrics.counter("executed_total", {
      help:
        'Scripts that ran, at the start, the end and by cron. A rise of success="false" means failing scripts: see their logs.',
      labels: { success: ["true", "false"] },
      exactName: "agent_scripts_executed_total",
    });
    const startSeconds = ctx.metrics.gauge("startup_seconds", {
      help: "Seconds the start scripts took. A rise means that people wait longer for their workspace.",
      labels: { success: ["true", "false"] },
      exactName: "coderd_agentstats_startup_script_seconds",
    });
    const sender = new LogSender({ clock, log });
    const reading = new Set<Promise<void>>();
    ctx.defer(async () => void await Promise.all(reading));
    const reports = new CompletionReports({ clock, log });
    let surroundings: ScriptSurroundings | undefined;

    async function runOne(script: ManifestScript, stage: Stage, limit?: AbortSignal): Promise<ScriptEnd> {
      const end = await run(script, limit);
      executed.inc({ success: end.status === "ok" ? "true" : "false" });
      reports.add({ scriptId: script.id, stage, end });
      return end;
    }
    async function run(script: ManifestScript, limit?: AbortSignal): Promise<ScriptEnd> {
      const startedAtMs = clock.now();
      try {
        surroundings ??= await prepare();
      } catch (error) {
        log.warn("script cannot run", { script: script.id, error: messageOf(error) });
        const output = `Cannot run the script: ${messageOf(error)}; agent.scriptDataDir can name another directory`;
        sender.enqueue(script.logSourceId, [{ atMs: startedAtMs, level: "error", output }]);
        sender.flush(script.logSourceId);
        return { startedAtMs, endedAtMs: clock.now(), exitCode: UNKNOWN_EXIT_CODE, status: "exit_failure" };
      }
      return await runScript(script, surroundings, limit);
    }
    async function prepare(): Promise<ScriptSurroundings> {
      const variables = await ctx.env.build();
      const binDirectory = ctx.env.scriptBinDirectory;
      await Deno.mkdir(binDirectory, { recursive: true, mode: 0o700 });
      const [shell, login] = await Promise.all([userShell({ processEnv: variables }), loginVariables(variables)]);
      return {
        ...{ exec: ctx.exec, clock, log, sender, shell, binDirectory },
        dataRoot: dirname(binDirectory),
        base: login,
        graceMs: config.graceMs,
        ...{ signal: ctx.signal, reading },
        logFileOf: ({ logPath, logSourceId }) => {
          const named = logPath === "" ? `coder-script-${logSourceId}.log` : logPath;
          return isAbsolute(named) || /^[~$]/.test(named) ? expandPath(named, variables) : join(config.logDir, named);
        },
      };
    }

    const runner = new ScriptRunner({ clock, log, runOne });
    const repeating = new AbortController();
    async function start(manifest: Manifest) {
      const began = elapsedOn(clock);
      const outcome = await runner.start(manifest);
      startSeconds.set((elapsedOn(clock) - began) / 1000, { success: outcome === "ok" ? "true" : "false" });
      if (!ctx.signal.aborted) repeat(manifest);
      return outcome;
    }
    function repeat(manifest: Manifest): void {
      for (const script of manifest.scripts.filter(({ cron }) => cron !== "")) {
        ctx.tasks.run(`cron ${script.id}`, async (stopped) => {
          const { nextTime } = await import("./cron.ts");
          const signal = AbortSignal.any([stopped, repeating.signal]);
          await runner.repeat(script, nextTime as NextTime, signal).catch((error) => {
            if (!signal.aborted) throw error;
          });
        });
      }
    }
    ctx.services.lifecycle.add({
      start,
      stop: (limit) => runner.stop(limit),
      lastWords: async (signal) => void await Promise.all([sender.untilEmpty(signal), reports.settled(signal)]),
    }, ctx.signal);
    ctx.hooks.onStopping(() => repeating.abort());
    ctx.rpc.whileConnected("send script logs", async (rpc, signal) => {
      const { sendLogs } = await import("./routines.ts");
      await sendLogs(rpc, signal, sender);
    }, { until: "stop" });
    ctx.rpc.whileConnected("report scripts", (rpc, signal) =>
      reports.run(async (report, over) => {
        const { reportCompletion } = await import("./routines.ts");
        await reportCompletion(rpc, report, over);
      }, signal), { until: "stop" });
  },
});
export default scripts;
