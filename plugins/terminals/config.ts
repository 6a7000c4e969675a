/**
 * Settings of the terminals plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the terminals plugin. */
export interface TerminalsConfig {
  /** Lines kept above the screen for those who attach later. A line of 80 characters takes about 1 KiB. */
  readonly scrollbackLines: number;
  /** Time a terminal lives without a viewer, in milliseconds. */
  readonly idleMs: number;
  /** Most terminals at once. */
  readonly maxTerminals: number;
}

/** Strict: an unknown key is an error with its path. */
export const terminalsConfig: z.ZodType<TerminalsConfig> = z.strictObject({
  scrollbackLines: z.number().int().min(0).max(100_000).default(1000).describe(
    "Lines kept above the screen for those who attach later. A line of 80 characters takes about 1 KiB.",
  ),
  idleMs: z.number().int().min(1000).max(2 ** 31 - 1).default(5 * 60 * 1000).describe(
    "Time a terminal lives without a viewer, in milliseconds.",
  ),
  maxTerminals: z.number().int().min(1).default(64).describe("Most terminals at once."),
});
