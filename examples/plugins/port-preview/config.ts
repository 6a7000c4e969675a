/**
 * Settings of the port preview.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the port preview. */
export interface PortPreviewConfig {
  /** Lowest port that is shown and reached; below are the machine's own services. */
  readonly lowestPort: number;
  /** Ports that are neither shown nor reached. */
  readonly hidden: readonly number[];
  /** Time a server has until it answers, in milliseconds. */
  readonly answerMs: number;
  /** Time between two looks for servers that came or went, in milliseconds. */
  readonly lookMs: number;
  /** Where one server is shown to everybody who reaches the address, without a token; `null`: nowhere. */
  readonly share: { readonly address: string; readonly port: number } | null;
}

/** Strict: an unknown key is an error with its path. */
export const portPreviewConfig: z.ZodType<PortPreviewConfig> = z.strictObject({
  lowestPort: z.number().int().min(1).max(65_535).default(1024).describe(
    "Lowest port that is shown and reached; below are the machine's own services.",
  ),
  hidden: z.array(z.number().int().min(1).max(65_535)).default([]).describe(
    "Ports that are neither shown nor reached.",
  ),
  answerMs: z.number().int().min(1).max(3_600_000).default(60_000).describe(
    "Time a server has until it answers, in milliseconds.",
  ),
  lookMs: z.number().int().min(100).default(2000).describe(
    "Time between two looks for servers that came or went, in milliseconds.",
  ),
  share: z.strictObject({
    address: z.string().min(1).describe("HOST:PORT to listen on; port 0 takes a free one."),
    port: z.number().int().min(1).max(65_535).describe("Port of the server that is shown there."),
  }).nullable().default(null).describe(
    "Where one server is shown to everybody who reaches the address, without a token; null: nowhere.",
  ),
});
