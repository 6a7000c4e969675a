/**
 * Settings of the boundary log plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the boundary log plugin. */
export interface BoundarylogsConfig {
  /** Path of the socket. Absent: the environment or the usual place. Empty: no socket. */
  readonly socketPath?: string;
  /** Batches held in memory, of all connections together; further ones are lost and counted. */
  readonly queuedBatches: number;
  /** Most connections at once; further ones are closed. */
  readonly maxConnections: number;
  /** Keeping batches on disk while the control plane is away. */
  readonly spill: {
    readonly enabled: boolean;
    /** Absolute directory of its own. Absent: `outpost/boundarylogs` in the user's state directory. */
    readonly directory?: string;
    /** Most bytes on disk; further batches are lost and counted. */
    readonly maxBytes: number;
  };
}

const spill = z.strictObject({
  enabled: z.boolean().default(false).describe("Whether batches are kept on disk while the control plane is away."),
  directory: z.string().startsWith("/").optional().describe(
    "Directory of the journal. Absent: outpost/boundarylogs in $XDG_STATE_HOME, or in ~/.local/state.",
  ),
  // About 700000 entries, which is days of a busy jail.
  maxBytes: z.number().int().min(64 * 1024).default(64 * 1024 * 1024)
    .describe("Most bytes on disk; further batches are lost and counted."),
});

/** Strict: an unknown key is an error with its path. */
export const boundarylogsConfig: z.ZodType<BoundarylogsConfig> = z.strictObject({
  socketPath: z.string().optional().describe(
    "Path of the socket. Absent: CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH, or the usual place. Empty: no socket.",
  ),
  // The reference's figure: 100 batches of ten entries, at most 3.2 MiB as they arrive.
  queuedBatches: z.number().int().min(1).max(100_000).default(100)
    .describe("Batches held in memory, of all connections together; further ones are lost and counted."),
  // A jail opens one. Each costs a file descriptor and 1 to 64 KiB.
  maxConnections: z.number().int().min(1).default(4096).describe("Most connections at once; further ones are closed."),
  spill: spill.prefault({}).describe("Keeping batches on disk while the control plane is away."),
});
