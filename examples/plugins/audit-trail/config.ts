/**
 * Settings of the audit trail.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the audit trail. */
export interface AuditTrailConfig {
  /** Absolute directory of the files; made with mode 0700 when it is missing. */
  readonly directory: string;
  /** Size from which on a new file is begun, in bytes. */
  readonly maxFileBytes: number;
  /** Files that are kept; the oldest are removed. */
  readonly keepFiles: number;
  /** Path of a private Unix socket where programs add notes, a line each; `null`: none. */
  readonly noteSocket: string | null;
  /** Time between two heads that are handed to the control plane, in milliseconds. */
  readonly anchorMs: number;
}

/** Strict: an unknown key is an error with its path. */
export const auditTrailConfig: z.ZodType<AuditTrailConfig> = z.strictObject({
  directory: z.string().startsWith("/").describe(
    "Absolute directory of the files; made with mode 0700 when it is missing.",
  ),
  maxFileBytes: z.number().int().min(1024).default(16 * 1024 * 1024).describe(
    "Size from which on a new file is begun, in bytes.",
  ),
  keepFiles: z.number().int().min(1).default(64).describe("Files that are kept; the oldest are removed."),
  noteSocket: z.string().startsWith("/").nullable().default(null).describe(
    "Path of a private Unix socket where programs add notes, a line each; null: none.",
  ),
  // A line is 90 bytes, and the control plane keeps 1 MiB of an agent: at this pace for two months.
  anchorMs: z.number().int().min(1000).default(600_000).describe(
    "Time between two heads that are handed to the control plane, in milliseconds.",
  ),
});
