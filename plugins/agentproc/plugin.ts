/**
 * Wires the process table to routes, metrics and the lifecycle.
 *
 * @module
 */
import { EventFeed } from "../../core/event_feed.ts";
import { definePlugin, optional, type Plugin } from "../../core/plugin.ts";
import { PathActivity } from "../agentgit/service.ts";
import { type AgentprocConfig, agentprocConfig } from "./config.ts";
import { processMetrics } from "./process_metrics.ts";
import { processService } from "./process_service.ts";
import { ProcessTable } from "./process_table.ts";
import { addProcessRoutes, type ProcessRoutesOptions } from "./routes.ts";
import { Processes, type ProcessEvent, ProcessEvents } from "./service.ts";
import type { TrackedProcess } from "./tracked_process.ts";

/** Time between two looks for processes to forget, in milliseconds: their memory should not wait for the next list. */
const FORGET_EVERY_MS = 60_000;
/** Time an answer may take after its wait, in milliseconds. */
const ANSWER_MS = 30_000;

/** Time that waits and streams get to send their last words at drain, in milliseconds. */
const ANSWER_AT_DRAIN_MS = 1000;

/** Starts commands for people and models, and tells what became of them. */
const agentproc: Plugin = definePlugin({
  id: "agentproc",
  version: "0.1.0",
  api: 1,
  stability: "beta",
  summary: "Run commands, follow their output, signal them.",
  mount: "processes",
  config: agentprocConfig,
  needs: { activity: optional(PathActivity) },
  provides: [Processes, ProcessEvents],
  permissions: { run: true, read: true },
  supported: (host) => host.os !== "windows" || { reason: "process groups need a Unix system" },
  setup(ctx) {
    const { clock, exec, log } = ctx;
    const metrics = processMetrics(ctx.metrics);
    const events = ctx.defer(new EventFeed<ProcessEvent>((count) => ({ type: "missed", count })));
    ctx.provide(ProcessEvents, events);
    const table = new ProcessTable({
      exec,
      clock,
      log,
      get config() {
        return ctx.config;
      },
      onOutput: (bytes) => metrics.outputBytes.add(bytes),
      onStart: (process) => {
        metrics.started.inc();
        events.publish(startEvent(process));
      },
      onEnd: (process, end) => {
        metrics.ended(end);
        events.publish({ type: "ended", id: process.id, exitCode: end.code, signal: end.signal, at: end.atMs });
        const { workdir } = process.request;
        if (process.chat) ctx.services.activity?.touched(process.chat.ids, workdir === undefined ? [] : [workdir]);
      },
    });
    metrics.alive.collect(() => table.alive);
    ctx.defer(() => table.close());
    ctx.tasks.every("forget ended processes", FORGET_EVERY_MS, () => table.forget());

    const drained = new AbortController();
    ctx.hooks.onDrain(async (signal) => {
      await table.terminate(signal);
      drained.abort();
    }, {
      get deadlineMs() {
        return ctx.config.terminateMs + ANSWER_AT_DRAIN_MS;
      },
    });

    const access: ProcessRoutesOptions = {
      table,
      clock,
      get waitMs() {
        return ctx.config.waitMs;
      },
      signal: AbortSignal.any([ctx.signal, drained.signal]),
      onRefused: (reason) => metrics.refused.inc({ reason }),
      onGap: (bytes) => metrics.missedBytes.add(bytes),
    };
    addProcessRoutes(ctx.routes.app, access);
    ctx.provide(Processes, processService(access));
    ctx.routes.describe(async () => (await import("./api.ts")).agentprocApi);
    ctx.routes.limit("/:id/output", {
      get handlerMs() {
        return ctx.config.waitMs + ANSWER_MS;
      },
    });
    ctx.routes.limit("/:id/stdin", { maxBodyBytes: Infinity, handlerMs: Infinity });
    ctx.announce({
      capabilities: [
        "processes.wait",
        "processes.tokens",
        "processes.stream",
        "processes.stdin",
        "processes.args",
        "processes.hold_output",
        "processes.interrupt",
        "processes.limits",
      ],
      limits: announcedLimits(ctx.config),
    });
  },
  /** Every setting is read when it is used; processes that run keep the buffers they were started with. */
  reconfigure: (ctx, next) => ctx.announce({ limits: announcedLimits(next) }),
});

function startEvent({ id, pid, request, directory, startedAtMs, chat }: TrackedProcess): ProcessEvent {
  const { command, args } = request;
  const what = { command, ...(args === undefined ? {} : { args }), workdir: directory };
  return { type: "started", id, pid, ...what, at: startedAtMs, chatIds: chat?.ids ?? [] };
}

function announcedLimits({ maxProcesses, streamBytes, waitMs }: AgentprocConfig): Readonly<Record<string, number>> {
  return { maxProcesses, streamBytes, waitMs };
}

export default agentproc;
