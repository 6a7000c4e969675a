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
  metrics.gauge("open", { help: "Terminals that are open, with or without a viewer; compare with maxTerminals." })
    .collect(count);
  return {
    connections: metrics.counter("connections_total", {
      help: "Viewers that attached to a terminal, first and again.",
      exactName: "agent_reconnecting_pty_connections_total",
    }),
    errors: metrics.counter("errors_total", {
      help:
        "Steps that failed: starting a shell, reading a viewer's message, changing the size, sending to a viewer; the log has the cause.",
      labels: ERROR_LABELS,
      exactName: "agent_reconnecting_pty_errors_total",
    }),
  };
}
