/**
 * Settings of the reporting plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the reporting plugin. */
export interface ReportingConfig {
  /** Values that the control plane wants collected by scripts. */
  readonly metadata: MetadataSettings;
  /** Statistics. */
  readonly stats: {
    /** Most series of metrics in one report; further ones are left out. */
    readonly maxMetrics: number;
  };
  /** Health of apps. */
  readonly apps: {
    /** Time between two looks whether a health changed, in milliseconds. */
    readonly tickMs: number;
  };
  /** The list of listening ports. */
  readonly ports: PortSettings;
}
/** How metadata is collected. */
export interface MetadataSettings {
  /** Time between two looks for what is due, in milliseconds. */
  readonly tickMs: number;
  /** Most bytes kept of one script's output. */
  readonly maxOutputBytes: number;
  /** Most scripts running at once; others wait for the next look. */
  readonly maxRunning: number;
  /** Time for one report to be answered, in milliseconds. */
  readonly sendMs: number;
}
/** Which ports are listed. */
export interface PortSettings {
  /** Lowest port listed. */
  readonly min: number;
  /** Ports that are not listed. */
  readonly ignore: readonly number[];
  /** Whether listeners on IPv6 addresses are listed too. */
  readonly includeIpv6: boolean;
  /** Time a scan is used again, in milliseconds. */
  readonly cacheMs: number;
}

const metadata = z.strictObject({
  // The reference's figure; an interval is counted in seconds.
  tickMs: z.number().int().min(100).default(1000).describe(
    "Time between two looks for metadata that is due, in milliseconds.",
  ),
  // The reference's figure. The control plane keeps 2048 bytes of it.
  maxOutputBytes: z.number().int().min(1).max(1024 * 1024).default(10_240).describe(
    "Most bytes kept of one metadata script's output.",
  ),
  // Templates name a handful; a careless one must not fork without bound.
  maxRunning: z.number().int().min(1).default(32).describe(
    "Most metadata scripts running at once; others wait for the next look.",
  ),
  sendMs: z.number().int().min(1000).default(30_000).describe(
    "Time for one report of metadata to be answered, in milliseconds.",
  ),
});
const stats = z.strictObject({
  // About 150 bytes each: far below the 4 MiB of one message.
  maxMetrics: z.number().int().min(0).default(2000).describe(
    "Most series of metrics in one report of statistics; further ones are left out.",
  ),
});
const apps = z.strictObject({
  tickMs: z.number().int().min(100).default(1000).describe(
    "Time between two looks whether an app's health changed, in milliseconds.",
  ),
});
const ports = z.strictObject({
  // What the reference hides: 0 to 8 are reserved.
  min: z.number().int().min(1).max(65_535).default(9).describe("Lowest port listed."),
  ignore: z.array(z.number().int().min(1).max(65_535)).default([]).describe("Ports that are not listed."),
  includeIpv6: z.boolean().default(false).describe("Whether listeners on IPv6 addresses are listed too."),
  cacheMs: z.number().int().min(0).default(1000).describe("Time a scan for ports is used again, in milliseconds."),
});

/** Strict schema of {@linkcode ReportingConfig}. */
export const reportingConfig: z.ZodType<ReportingConfig> = z.strictObject({
  metadata: metadata.prefault({}).describe("Values that the control plane wants collected by scripts."),
  stats: stats.prefault({}).describe("Statistics."),
  apps: apps.prefault({}).describe("Health of apps."),
  ports: ports.prefault({}).describe("The list of listening ports."),
});
