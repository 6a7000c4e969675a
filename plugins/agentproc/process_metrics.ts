/**
 * What the process plugin counts.
 *
 * @module
 */
import type { Counter, Gauge, Metrics, NoLabels } from "../../core/plugin.ts";
import { type Refusal, REFUSALS } from "./routes.ts";
import type { ProcessEnd } from "./tracked_process.ts";

/** How a process can end. */
const OUTCOMES = ["success", "failure", "signal", "oom"] as const;

/** Counters and gauges of the plugin. */
export interface ProcessMetrics {
  readonly started: Counter<NoLabels>;
  readonly refused: Counter<{ readonly reason: readonly Refusal[] }>;
  readonly alive: Gauge<NoLabels>;
  readonly outputBytes: Counter<NoLabels>;
  readonly missedBytes: Counter<NoLabels>;
  /** Counts an end under its outcome. */
  ended(end: ProcessEnd): void;
}

/** Registers the metrics. */
export function processMetrics(metrics: Metrics): ProcessMetrics {
  const exited = metrics.counter("exited_total", {
    help: "Processes that ended, by outcome: exit code 0, another exit code, a signal, or oom: the kernel killed the " +
      "process or one that it started. If oom rises, give the workspace or the command more memory.",
    labels: { outcome: OUTCOMES },
  });
  return {
    started: metrics.counter("started_total", {
      help: "Processes started. A steep rise is a client in a loop; look at its command in the list.",
    }),
    refused: metrics.counter("refused_total", {
      help: "Starts refused: limit (raise maxProcesses, or find out who leaves processes running), token (a client " +
        "reuses a token for another command), stopping (the agent was shutting down), system (the log says why).",
      labels: { reason: REFUSALS },
    }),
    alive: metrics.gauge("running", {
      help: "Processes running now. Close to maxProcesses, starts will soon be refused.",
    }),
    outputBytes: metrics.counter("output_bytes_total", {
      help: "Bytes that processes wrote. A steep rise costs CPU time of the agent; the list shows who writes.",
    }),
    missedBytes: metrics.counter("missed_bytes_total", {
      help: "Bytes that readers of a stream were too slow or too late for; each was told. " +
        "If it rises, read faster, raise streamBytes, or start commands with hold_output.",
    }),
    ended: (end) => exited.inc({ outcome: outcomeOf(end) }),
  };
}

function outcomeOf({ oom, signal, code }: ProcessEnd): typeof OUTCOMES[number] {
  if (oom) return "oom";
  if (signal !== null) return "signal";
  return code === 0 ? "success" : "failure";
}
