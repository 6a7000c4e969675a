/**
 * What the plugin counts. The first three names are those that dashboards made for Coder's agent look for.
 *
 * @module
 */
import type { Counter, Gauge, Metrics, NoLabels } from "../../core/plugin.ts";

/** Why a batch was lost in the agent. */
const BATCH_LOSSES = ["buffer_full", "forward_failed"] as const;
/** Why entries were lost; the last two happened in the jail. */
const ENTRY_LOSSES = [...BATCH_LOSSES, "boundary_channel_full", "boundary_batch_full"] as const;
/** Why a frame was not taken. */
const REJECTIONS = ["unsupported_tag", "too_large", "invalid", "unknown_message"] as const;

/** Why the journal could not keep a batch. */
const JOURNAL_LOSSES = ["full", "write_failed", "damaged"] as const;

/** Why a batch was lost in the agent. */
export type BatchLoss = typeof BATCH_LOSSES[number];
/** Why a frame was not taken. */
export type Rejection = typeof REJECTIONS[number];

/** Counters and gauges of the plugin. */
export interface BoundaryMetrics {
  /** Counts a lost batch and its entries. */
  dropped(reason: BatchLoss, entries: number): void;
  /** Counts what the jail says it lost. */
  lostInJail(channelFull: number, batchFull: number): void;
  readonly forwarded: Counter<NoLabels>;
  readonly rejected: Counter<{ readonly reason: readonly Rejection[] }>;
  readonly refusedConnections: Counter<NoLabels>;
  readonly connections: Gauge<NoLabels>;
  readonly queued: Gauge<NoLabels>;
  readonly spilled: Counter<NoLabels>;
  readonly replayed: Counter<NoLabels>;
  readonly journalLosses: Counter<{ readonly reason: typeof JOURNAL_LOSSES }>;
  readonly journalBytes: Gauge<NoLabels>;
}

/** Registers the metrics. */
export function boundaryMetrics(metrics: Metrics): BoundaryMetrics {
  const batches = metrics.counter("batches_dropped_total", {
    exactName: "agent_boundary_log_proxy_batches_dropped_total",
    help:
      "Batches of audit entries lost in the agent: buffer_full (the control plane is away or slow; switch the spill on, or " +
      "raise queuedBatches) or forward_failed (the control plane refused the batch or the connection broke; the log says why). " +
      "Any rise is a gap in the audit log.",
    labels: { reason: BATCH_LOSSES },
  });
  const entries = metrics.counter("logs_dropped_total", {
    exactName: "agent_boundary_log_proxy_logs_dropped_total",
    help:
      "Audit entries lost: buffer_full and forward_failed in the agent, as for batches; boundary_channel_full (the jail saw " +
      "requests faster than it could write them here) and boundary_batch_full (the jail could not reach this agent) in the jail. " +
      "Any rise is a gap in the audit log.",
    labels: { reason: ENTRY_LOSSES },
  });
  return {
    dropped(reason, count) {
      batches.inc({ reason });
      if (count > 0) entries.add(count, { reason });
    },
    lostInJail(channelFull, batchFull) {
      if (channelFull > 0) entries.add(channelFull, { reason: "boundary_channel_full" });
      if (batchFull > 0) entries.add(batchFull, { reason: "boundary_batch_full" });
    },
    forwarded: metrics.counter("batches_forwarded_total", {
      exactName: "agent_boundary_log_proxy_batches_forwarded_total",
      help:
        "Batches of audit entries the control plane took. While jailed programs use the network, a counter that stands still " +
        "means that nothing arrives: look at the connection and at the dropped batches.",
    }),
    rejected: metrics.counter("rejected_frames_total", {
      help:
        "Frames not taken: unsupported_tag and too_large end the connection (something else than the jail writes to the socket, or " +
        "a newer jail), invalid (broken content, skipped), unknown_message (a newer jail: update the agent).",
      labels: { reason: REJECTIONS },
    }),
    refusedConnections: metrics.counter("refused_connections_total", {
      help: "Connections closed at once because maxConnections were open. Find out who opens them, or raise the limit.",
    }),
    connections: metrics.gauge("connections", {
      help: "Jails connected now. A steady rise is a writer that never closes its connections.",
    }),
    queued: metrics.gauge("queued_batches", {
      help:
        "Batches waiting in memory. Close to queuedBatches, further ones will soon be lost, or written to disk with the spill on.",
    }),
    spilled: metrics.counter("journal_spilled_batches_total", {
      help:
        "Batches written to the journal on disk, because the control plane was away or slow. While it rises, look at the connection.",
    }),
    replayed: metrics.counter("journal_replayed_batches_total", {
      help:
        "Batches of the journal that the control plane has taken or refused since. It catches up with the spilled ones.",
    }),
    journalLosses: metrics.counter("journal_lost_batches_total", {
      help:
        "Batches the journal could not keep: full (raise spill.maxBytes), write_failed (the disk is full or broken; both are also " +
        "counted as buffer_full), damaged (files with a broken part, each counted once). Any rise is a gap in the audit log.",
      labels: { reason: JOURNAL_LOSSES },
    }),
    journalBytes: metrics.gauge("journal_bytes", {
      help: "Bytes of the journal that wait to be sent. Close to spill.maxBytes, further batches will soon be lost.",
    }),
  };
}
