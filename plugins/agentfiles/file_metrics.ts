/**
 * What the plugin counts.
 *
 * @module
 */
import type { Counter, Metrics } from "../../core/plugin.ts";

const WRITE_RESULTS = { result: ["written", "refused", "failed"] } as const;
const EDIT_RESULTS = { result: ["applied", "refused", "failed"] } as const;
const MATCHES = { match: ["exact", "trailing", "indentation"] } as const;

/** The plugin's counters. */
export interface FileMetrics {
  readonly writes: Counter<typeof WRITE_RESULTS>;
  readonly edits: Counter<typeof EDIT_RESULTS>;
  readonly matches: Counter<typeof MATCHES>;
  readonly writtenBytes: Counter<Record<never, never>>;
  readonly readBytes: Counter<Record<never, never>>;
}

/** Registers the counters. */
export function fileMetrics(metrics: Metrics): FileMetrics {
  return {
    writes: metrics.counter("writes_total", {
      help:
        "Write requests by result. A rise of failed means the disk is full or failing, or clients break off: see the log.",
      labels: WRITE_RESULTS,
    }),
    edits: metrics.counter("edits_total", {
      help: "Edit requests by result. Many refused ones mean that models edit from stale or misread text.",
      labels: EDIT_RESULTS,
    }),
    matches: metrics.counter("edit_matches_total", {
      help: "Edits applied, by how they matched. A rise of indentation means that models lose the file's white space.",
      labels: MATCHES,
    }),
    writtenBytes: metrics.counter("written_bytes_total", {
      help: "Bytes received by write requests that succeeded. Tells how much of the disk's load comes from uploads.",
    }),
    readBytes: metrics.counter("read_bytes_total", {
      help: "Bytes of files that read requests asked for. Tells how much traffic comes from downloads.",
    }),
  };
}
