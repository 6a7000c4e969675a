/**
 * Metrics of the X11 plugin.
 *
 * @module
 */
import type { Counter, Metrics, NoLabels } from "../../core/plugin.ts";

const ERROR_LABELS = { error_type: ["hostname", "listen", "xauthority"] } as const;
const REFUSED_LABELS = { reason: ["cookie", "limit", "client"] } as const;

/** What a display could not be opened for. */
export type X11ErrorType = (typeof ERROR_LABELS)["error_type"][number];

/** Metrics of the X11 plugin. */
export interface X11Metrics {
  readonly errors: Counter<typeof ERROR_LABELS>;
  readonly evictions: Counter<NoLabels>;
  readonly refused: Counter<typeof REFUSED_LABELS>;
}

/** What the gauges show. */
export interface X11Counts {
  readonly displays: number;
  readonly connections: number;
}

/** Registers the metrics. */
export function x11Metrics(metrics: Metrics, counts: () => X11Counts): X11Metrics {
  metrics.gauge("displays", { help: "Displays that are open; each is one TCP port on loopback." })
    .collect(() => counts().displays);
  metrics.gauge("connections", { help: "Programs connected to displays; compare with maxConnections." })
    .collect(() => counts().connections);
  return {
    errors: metrics.counter("handler_errors_total", {
      help: "Displays that could not be opened, by the step that failed; the log has the cause.",
      labels: ERROR_LABELS,
      exactName: "agent_x11_handler_errors_total",
    }),
    evictions: metrics.counter("evictions_total", {
      help:
        "Sessions closed because every port was taken and theirs was used least recently; a rise asks for a higher maxPort.",
    }),
    refused: metrics.counter("refused_connections_total", {
      help:
        "Connections to displays that were closed: without the right cookie, over maxConnections, or refused by the client. A rise of cookie means that somebody else tries displays.",
      labels: REFUSED_LABELS,
    }),
  };
}
