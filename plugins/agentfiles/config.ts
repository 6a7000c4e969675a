/**
 * Settings of the file plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the file plugin. */
export interface AgentfilesConfig {
  /** Largest file that can be edited, in bytes. Editing holds a few copies in memory. */
  readonly maxEditFileBytes: number;
  /** Largest body of an edit request, in bytes. */
  readonly maxEditBodyBytes: number;
  /** Most files in one edit request. */
  readonly maxEditFiles: number;
  /** Most bytes one reply of line-wise reading considers, whatever the request asks for. */
  readonly maxLineFileBytes: number;
  /** Files up to this size, in bytes, get a version made from their contents; bigger ones from size, inode and times. */
  readonly versionHashBytes: number;
  /** Whether a write waits until its bytes are on the disk before it replaces the old file. */
  readonly sync: boolean;
}

const MIB = 1024 * 1024;

/** Strict: an unknown key is an error with its path. */
export const agentfilesConfig: z.ZodType<AgentfilesConfig> = z.strictObject({
  maxEditFileBytes: z.number().int().min(1).default(64 * MIB).describe(
    "Largest file that can be edited, in bytes. Editing holds a few copies in memory.",
  ),
  maxEditBodyBytes: z.number().int().min(1024).default(32 * MIB).describe(
    "Largest body of an edit request, in bytes.",
  ),
  maxEditFiles: z.number().int().min(1).default(1000).describe("Most files in one edit request."),
  maxLineFileBytes: z.number().int().min(1).default(64 * MIB).describe(
    "Most bytes one reply of line-wise reading considers, whatever the request asks for.",
  ),
  versionHashBytes: z.number().int().min(0).default(MIB).describe(
    "Files up to this size, in bytes, get a version made from their contents; bigger ones from size, inode and times.",
  ),
  sync: z.boolean().default(true).describe(
    "Whether a write waits until its bytes are on the disk before it replaces the old file.",
  ),
});
