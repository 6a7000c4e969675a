/**
 * Settings of the git plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the git plugin. */
export interface AgentgitConfig {
  /** Git program: a name looked up on the PATH of the agent's children, or an absolute path. */
  readonly gitProgram: string;
  /** Time from the first sign of a change to the scan, in milliseconds, so that one scan sees a whole burst. */
  readonly settleMs: number;
  /** Pause after a scan before the next one of the same connection, in milliseconds. */
  readonly cooldownMs: number;
  /** Time after which a connection looks for changes without being told of any, in milliseconds. */
  readonly pollMs: number;
  /** Most bytes of one repository's diff in a message or an answer. */
  readonly maxDiffBytes: number;
  /** Files above this size are shown as binary instead of being compared, in bytes. */
  readonly maxComparedFileBytes: number;
  /** Diffs above this size are sent piece by piece while they are made, in bytes. */
  readonly progressFromBytes: number;
  /** Most bytes sent piece by piece for one scan of one repository. */
  readonly maxProgressBytes: number;
  /** Largest file that `show` returns, in bytes. */
  readonly maxShownFileBytes: number;
  /** Paths remembered per chat. */
  readonly maxPathsPerChat: number;
  /** Repositories watched by one connection; further ones are not watched. */
  readonly maxRepositories: number;
  /** Whether file-system events start scans. */
  readonly fileEvents: boolean;
  /** Directories of one repository that are watched for events; larger repositories are also polled. */
  readonly maxWatchedDirectories: number;
  /** Repositories whose scan takes longer than this are rescanned only where a path was touched, in milliseconds. */
  readonly fullScanBudgetMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** Strict: an unknown key is an error with its path. */
export const agentgitConfig: z.ZodType<AgentgitConfig> = z.strictObject({
  gitProgram: z.string().min(1).default("git").describe("Git program: a name on the PATH, or an absolute path."),
  settleMs: z.number().int().min(0).default(20).describe(
    "Time from the first sign of a change to the scan, in milliseconds, so that one scan sees a whole burst.",
  ),
  cooldownMs: z.number().int().min(0).default(1000).describe(
    "Pause between two scans of a connection, in milliseconds.",
  ),
  pollMs: z.number().int().min(100).default(30_000).describe(
    "Time after which a connection looks for changes without being told of any, in milliseconds.",
  ),
  maxDiffBytes: z.number().int().min(1).max(3 * MIB).default(3 * MIB).describe(
    "Most bytes of one repository's diff in a message; clients read messages of up to 4 MiB.",
  ),
  maxComparedFileBytes: z.number().int().min(1).default(16 * MIB).describe(
    "Files above this size are shown as binary instead of being compared, in bytes; git holds a compared file in memory.",
  ),
  progressFromBytes: z.number().int().min(1).default(256 * KIB).describe(
    "Diffs above this size are sent piece by piece while they are made, in bytes.",
  ),
  maxProgressBytes: z.number().int().min(0).default(64 * MIB).describe(
    "Most bytes sent piece by piece for one scan of one repository.",
  ),
  maxShownFileBytes: z.number().int().min(0).default(512 * KIB).describe("Largest file that show returns, in bytes."),
  maxPathsPerChat: z.number().int().min(1).default(20_000).describe(
    "Paths remembered per chat, oldest forgotten first.",
  ),
  maxRepositories: z.number().int().min(1).default(100).describe("Repositories watched by one connection."),
  fileEvents: z.boolean().default(true).describe(
    "Whether file-system events start scans. Switch it off on network file systems, which do not report them.",
  ),
  maxWatchedDirectories: z.number().int().min(0).default(4096).describe(
    "Directories of one repository watched for events; a repository with more is also polled.",
  ),
  fullScanBudgetMs: z.number().int().min(0).default(150).describe(
    "Repositories whose scan takes longer than this are rescanned only where a path was touched, in milliseconds.",
  ),
});
