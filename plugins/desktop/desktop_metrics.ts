/**
 * What the desktop plugin counts.
 *
 * @module
 */
import type { Counter, Gauge, Histogram, Metrics, NoLabels } from "../../core/plugin.ts";
import { ACTION_NAMES } from "./action_request.ts";
import { HAND_BACKS, TAKINGS } from "./lease.ts";

/** How an action can go. */
export const ACTION_RESULTS = ["ok", "refused", "held", "failed", "cancelled"] as const;
/** How an action went. */
export type ActionResult = (typeof ACTION_RESULTS)[number];
/** Why a viewer can end. */
export const VIEWER_ENDS = ["left", "stalled", "protocol", "desktop"] as const;
/** Why a viewer ended. */
export type ViewerEnd = (typeof VIEWER_ENDS)[number];

const STARTS = { result: ["ok", "unavailable", "failed"] } as const;
const ACTIONS = { action: ACTION_NAMES, result: ACTION_RESULTS } as const;
const VIEWERS = { end: VIEWER_ENDS } as const;
const CHANGES = { to: ["person", "agent"], how: [...new Set([...TAKINGS, ...HAND_BACKS])] } as const;
/** From one round trip to the X server up to a long text. */
const SECONDS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 1, 5, 30];

/** Counters and gauges of the plugin. */
export interface DesktopMetrics {
  readonly starts: Counter<typeof STARTS>;
  readonly deaths: Counter<NoLabels>;
  readonly running: Gauge<NoLabels>;
  readonly actions: Counter<typeof ACTIONS>;
  readonly actionSeconds: Histogram<NoLabels>;
  readonly viewers: Gauge<NoLabels>;
  readonly viewersEnded: Counter<typeof VIEWERS>;
  readonly viewerBytes: Counter<NoLabels>;
  readonly droppedInput: Counter<NoLabels>;
  readonly held: Gauge<NoLabels>;
  readonly leaseChanges: Counter<typeof CHANGES>;
}

/** Registers the metrics. */
export function desktopMetrics(metrics: Metrics): DesktopMetrics {
  return {
    starts: metrics.counter("starts_total", {
      help:
        "Starts of the desktop: ok, unavailable (programs are missing, the health says which), failed (the log says why).",
      labels: STARTS,
    }),
    deaths: metrics.counter("deaths_total", {
      help:
        "Desktops that ended and that nobody closed; what ran on them is gone. The log has the server's last words.",
    }),
    running: metrics.gauge("running", { help: "1 while a desktop runs, which costs the memory of an X server." }),
    actions: metrics.counter("actions_total", {
      help:
        "Actions of agents: ok, refused (the request was wrong, too much waited, or a person had used the desktop " +
        "since), held (a person holds the desktop), failed (the driver could not), cancelled (nobody waited any more).",
      labels: ACTIONS,
    }),
    actionSeconds: metrics.histogram("action_seconds", {
      help:
        "Time of an action with its wait for its turn. More in the upper buckets means a machine with too much work, or " +
        "agents that get in each other's way.",
      buckets: SECONDS,
    }),
    viewers: metrics.gauge("viewers", { help: "Viewers connected; at maxViewers further ones are refused." }),
    viewersEnded: metrics.counter("viewers_ended_total", {
      help:
        "Viewers that ended: left, stalled (took nothing for viewerStallMs), protocol (broke RFB, or uses a part of " +
        "it that is not relayed), desktop (the desktop ended).",
      labels: VIEWERS,
    }),
    viewerBytes: metrics.counter("viewer_bytes_total", {
      help:
        "Bytes sent to viewers. A steep rise is a screen that changes all the time, or a viewer without compression.",
    }),
    droppedInput: metrics.counter("dropped_input_total", {
      help: "Input of viewers that may only look, which was dropped. A rise means that somebody tries to work there.",
    }),
    held: metrics.gauge("held", { help: "1 while a person holds the desktop and agents are refused." }),
    leaseChanges: metrics.counter("lease_changes_total", {
      help:
        "Changes of hands, to whom and by what: input, request, idle time, or the end of the desktop. Many by input " +
        "while agents work mean that somebody touches the desktop without wanting to.",
      labels: CHANGES,
    }),
  };
}
