/**
 * Settings of the test watcher.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the test watcher. */
export interface TestWatcherConfig {
  /** A line for the shell. */
  readonly command: string;
  /** Absolute directory of the command, and what is watched when `paths` is empty. */
  readonly directory: string;
  /** Files and directories that are watched, relative to `directory`. */
  readonly paths: readonly string[];
  /** Names of files and directories whose changes do not count. */
  readonly ignore: readonly string[];
  /** Quiet time after a change until the command runs, in milliseconds. */
  readonly settleMs: number;
  /** Time one run may take, in milliseconds. */
  readonly runMs: number;
  /** Runs that are remembered. */
  readonly maxRuns: number;
  /** Bytes kept from the end of each run's output. */
  readonly outputBytes: number;
}

/** Strict: an unknown key is an error with its path. */
export const testWatcherConfig: z.ZodType<TestWatcherConfig> = z.strictObject({
  command: z.string().min(1).describe("A line for the shell."),
  directory: z.string().startsWith("/").describe(
    "Absolute directory of the command, and what is watched when `paths` is empty.",
  ),
  paths: z.array(z.string().min(1)).default([]).describe("Files and directories that are watched, in `directory`."),
  ignore: z.array(z.string().min(1)).default([".git", "node_modules", "target", "dist"]).describe(
    "Names of files and directories whose changes do not count.",
  ),
  settleMs: z.number().int().min(0).max(60_000).default(300).describe(
    "Quiet time after a change until the command runs, in milliseconds.",
  ),
  runMs: z.number().int().min(1).max(86_400_000).default(600_000).describe("Time one run may take, in milliseconds."),
  maxRuns: z.number().int().min(1).max(1000).default(20).describe("Runs that are remembered."),
  outputBytes: z.number().int().min(0).max(1024 * 1024).default(16 * 1024).describe(
    "Bytes kept from the end of each run's output.",
  ),
});
