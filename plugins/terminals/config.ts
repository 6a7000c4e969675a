/**
 * Settings of the terminals plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the terminals plugin. */
export interface TerminalsConfig {
  /** Bytes kept above the screen for those who attach later; a line takes as many as the terminal has columns. */
  readonly scrollbackBytes: number;
  /** Time a terminal lives without a viewer, in milliseconds. */
  readonly idleMs: number;
  /** Most terminals at once. */
  readonly maxTerminals: number;
}

/** Strict: an unknown key is an error with its path. */
export const terminalsConfig: z.ZodType<TerminalsConfig> = z.strictObject({
  // The reference's figure. In memory a byte is a cell of 12 bytes: 1 MB for each terminal at most.
  scrollbackBytes: z.number().int().min(0).max(64 * 1024 * 1024).default(64 * 1024).describe(
    "Bytes kept above the screen for those who attach later; a line takes as many as the terminal has columns.",
  ),
  idleMs: z.number().int().min(1000).max(2 ** 31 - 1).default(5 * 60 * 1000).describe(
    "Time a terminal lives without a viewer, in milliseconds.",
  ),
  maxTerminals: z.number().int().min(1).default(64).describe("Most terminals at once."),
});
