/**
 * Settings of the drop-in plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the drop-in plugin. `outpost agent` fills them. */
export interface DropinConfig {
  /** `HOST:PORT` where everybody on the machine reads the metrics; empty: nowhere. */
  readonly prometheusAddress: string;
  /** `HOST:PORT` of `/debug/logs` and `/debug/manifest`; empty: nowhere. */
  readonly debugAddress: string;
  /** File that `/debug/logs` shows; empty: none. */
  readonly logFile: string;
}

/** Strict schema of {@linkcode DropinConfig}. */
export const dropinConfig: z.ZodType<DropinConfig> = z.strictObject({
  prometheusAddress: z.string().default("").describe(
    "HOST:PORT where everybody on the machine reads the metrics, on any path; empty: nowhere.",
  ),
  debugAddress: z.string().default("").describe("HOST:PORT of /debug/logs and /debug/manifest; empty: nowhere."),
  logFile: z.string().default("").describe("File that /debug/logs shows; empty: none."),
});
