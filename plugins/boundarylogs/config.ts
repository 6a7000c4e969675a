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
}

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
});
