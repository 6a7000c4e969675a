/**
 * Settings of the scripts plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the scripts plugin. */
export interface ScriptsConfig {
  /** Directory of log files whose path is relative. */
  readonly logDir: string;
  /** Time a script has to end after its timeout, and its output after its end, in milliseconds. */
  readonly graceMs: number;
}

/** Strict schema of {@linkcode ScriptsConfig}. */
export const scriptsConfig: z.ZodType<ScriptsConfig> = z.strictObject({
  logDir: z.string().min(1).default("/tmp").describe("Directory of log files whose path is relative."),
  graceMs: z.number().int().min(0).default(10_000).describe(
    "Time a script has to end after its timeout, and its output after its end, in milliseconds.",
  ),
});
