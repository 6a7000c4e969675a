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
  /** Absolute directory of the command, and what is watched when `paths` is empty; `null`: where the agent's commands run. */
  readonly directory: string | null;
  /** Files and directories that are watched, relative to `directory`. */
  readonly paths: readonly string[];
  /** Names of files and directories whose changes do not count. */
  readonly ignore: readonly string[];
  /** Size of the terminal that the command runs on; `null`: on none. */
  readonly terminal: { readonly cols: number; readonly rows: number } | null;
  /** Whether standard error is kept beside the output and not in it. */
  readonly separateErrors: boolean;
  /** What one run may use; what is left out, it may use as the agent may. */
  readonly limits: { readonly memoryBytes?: number; readonly cpus?: number; readonly openFiles?: number };
  /** Quiet time after a change until the command runs, in milliseconds. */
  readonly settleMs: number;
  /** Time one run may take, in milliseconds. */
  readonly runMs: number;
  /** Runs that are remembered. */
  readonly maxRuns: number;
  /** Bytes kept from the end of each run's output. */
  readonly outputBytes: number;
}

const characters = z.number().int().min(1).max(1000);

/** Strict: an unknown key is an error with its path. */
export const testWatcherConfig: z.ZodType<TestWatcherConfig> = z.strictObject({
  command: z.string().min(1).describe("A line for the shell."),
  directory: z.string().startsWith("/").nullable().default(null).describe(
    "Absolute directory of the command, and what is watched when `paths` is empty; null: where the agent's commands run.",
  ),
  paths: z.array(z.string().min(1)).default([]).describe("Files and directories that are watched, in `directory`."),
  ignore: z.array(z.string().min(1)).default([".git", "node_modules", "target", "dist"]).describe(
    "Names of files and directories whose changes do not count.",
  ),
  terminal: z.strictObject({
    cols: characters.describe("Characters of a line."),
    rows: characters.describe("Lines."),
  }).nullable().default(null).describe("Size of the terminal that the command runs on; null: on none."),
  separateErrors: z.boolean().default(false).describe(
    "Whether standard error is kept beside the output and not in it; a terminal has only one.",
  ),
  limits: z.strictObject({
    memoryBytes: z.number().int().min(1024 * 1024).optional().describe("Memory, in bytes."),
    cpus: z.number().min(0.01).optional().describe("Processors; 0.5 is half of one."),
    openFiles: z.number().int().min(16).optional().describe("Files open at once, in each process."),
  }).default({}).describe("What one run may use; what is left out, it may use as the agent may."),
  settleMs: z.number().int().min(0).max(60_000).default(300).describe(
    "Quiet time after a change until the command runs, in milliseconds.",
  ),
  runMs: z.number().int().min(1).max(86_400_000).default(600_000).describe("Time one run may take, in milliseconds."),
  maxRuns: z.number().int().min(1).max(1000).default(20).describe("Runs that are remembered."),
  outputBytes: z.number().int().min(0).max(1024 * 1024).default(16 * 1024).describe(
    "Bytes kept from the end of each run's output.",
  ),
});
