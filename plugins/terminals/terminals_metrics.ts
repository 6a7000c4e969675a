/**
 * Metrics of the terminals plugin, named as the reference agent names them.
 *
 * @module
 */
import type { Counter, Metrics, NoLabels } from "../../core/plugin.ts";

const ERROR_LABELS = { error_type: ["create_command", "input_writer", "resize", "write"] } as const;

/** Metrics of the terminals plugin. */
export interface TerminalsMetrics {
  readonly connections: Counter<NoLabels>;
  readonly errors: Counter<typeof ERROR_LABELS>;
}

/** Registers the metrics. `count`: terminals that are there. */
export function terminalsMetrics(metrics: Metrics, count: () => number): TerminalsMetrics {
  metrics.gauge("open", {
    help:
      "Terminals that are open, with or without a viewer. Near maxTerminals people are soon refused: raise it, or shorten idleMs.",
  })
    .collect(count);
  return {
    connections: metrics.counter("connections_total", {
      help:
        "Viewers that attached to a terminal, first and again. Many for few open terminals mean connections that break: look at the network.",
      exactName: "agent_reconnecting_pty_connections_total",
    }),
    errors: metrics.counter("errors_total", {
      help:
        'Steps that failed. "create_command" and "resize" have their cause in the log: look there. "write" are viewers that were too ' +
        'slow or gone, "input_writer" messages that were none; the log tells of both at level debug.',
      labels: ERROR_LABELS,
      exactName: "agent_reconnecting_pty_errors_total",
    }),
  };
}
