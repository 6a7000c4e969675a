/**
 * Metrics of the MCP plugin.
 *
 * @module
 */
import type { Counter, Gauge, Metrics, NoLabels } from "../../core/plugin.ts";
import { WORKSPACE_TOOL_NAMES } from "./tools/tool_names.ts";

/** How calls end. */
const RESULTS = ["ok", "error", "cancelled"] as const;
/** Why sessions end. */
const ENDS = ["client", "idle", "full", "stop"] as const;

/** How a call ended. */
export type CallOutcome = (typeof RESULTS)[number];
/** Why a session ended. */
export type SessionEnd = (typeof ENDS)[number];

/** Metrics of the MCP plugin. */
export interface McpMetrics {
  readonly calls: Counter<{ readonly tool: readonly string[]; readonly result: typeof RESULTS }>;
  readonly sessions: Gauge<NoLabels>;
  readonly ended: Counter<{ readonly reason: typeof ENDS }>;
}

/** Registers the metrics. */
export function mcpMetrics(metrics: Metrics): McpMetrics {
  return {
    calls: metrics.counter("calls_total", {
      help: "Calls of tools by how they ended. Many errors of one tool mean that models misunderstand it or that the " +
        "workspace is in a state they do not expect: look at what they send.",
      labels: { tool: WORKSPACE_TOOL_NAMES, result: RESULTS },
    }),
    sessions: metrics.gauge("sessions", {
      help:
        "Open sessions of MCP clients. A steady rise means that clients do not end their sessions; they are closed " +
        "when idle.",
    }),
    ended: metrics.counter("sessions_ended_total", {
      help:
        'Sessions that ended, by reason. A rise of "full" means that clients lose their sessions to newer ones: raise ' +
        "maxSessions.",
      labels: { reason: ENDS },
    }),
  };
}
