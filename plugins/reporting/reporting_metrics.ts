/**
 * What the plugin counts.
 *
 * @module
 */
import type { Counter, Metrics } from "../../core/plugin.ts";
import type { MetadataCommand, MetadataResult } from "./metadata_command.ts";

const REPORT_LABELS = {
  report: ["stats", "metadata", "app_health", "resources"],
  outcome: ["sent", "failed"],
} as const;
const OUTCOME_LABELS = { outcome: ["ok", "failed"] } as const;

/** Kinds of reports. */
export type ReportKind = typeof REPORT_LABELS.report[number];
/** Counts reports. */
export type ReportCounter = Counter<typeof REPORT_LABELS>;
/** Collects one metadata item. */
type Collect = (command: MetadataCommand, signal: AbortSignal) => Promise<MetadataResult>;

/** Metrics of the reporting plugin. */
export interface ReportingMetrics {
  readonly reports: ReportCounter;
  readonly portScans: Counter<typeof OUTCOME_LABELS>;
  /** Wraps `collect` so that what it does is counted. */
  counted(collect: Collect): Collect;
}

/** Registers the metrics. */
export function reportingMetrics(metrics: Metrics): ReportingMetrics {
  const collections = metrics.counter("metadata_collections_total", {
    help:
      'Metadata scripts that ran. A rise of outcome="failed" means scripts that fail or take too long: the control plane ' +
      "shows each one's error.",
    labels: OUTCOME_LABELS,
  });
  return {
    reports: metrics.counter("reports_total", {
      help:
        'Reports to the control plane by kind. A rise of outcome="failed" means that it refuses them or goes away: the log ' +
        "and the plugin's health say why.",
      labels: REPORT_LABELS,
    }),
    portScans: metrics.counter("port_scans_total", {
      help:
        'Lists of listening ports asked for. A rise of outcome="failed" means that /proc cannot be read: the answer says why.',
      labels: OUTCOME_LABELS,
    }),
    counted: (collect) => async (command, signal) => {
      const result = await collect(command, signal);
      collections.inc({ outcome: result.error === "" ? "ok" : "failed" });
      return result;
    },
  };
}
