/**
 * Settings of the X11 plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the X11 plugin. */
export interface X11Config {
  /** Number of the first display; the ones below are left to X servers of the workspace itself. */
  readonly displayOffset: number;
  /** Highest TCP port a display may have; display N has port 6000 + N. */
  readonly maxPort: number;
  /** Most connections of programs to displays at once. */
  readonly maxConnections: number;
}

/** Port of display 0. */
export const FIRST_PORT = 6000;
const HIGHEST_PORT = 65_535;

const fields = z.strictObject({
  displayOffset: z.number().int().min(0).max(HIGHEST_PORT - FIRST_PORT).default(10).describe(
    "Number of the first display; the ones below are left to X servers of the workspace itself.",
  ),
  maxPort: z.number().int().min(FIRST_PORT).max(HIGHEST_PORT).default(6200).describe(
    "Highest TCP port a display may have; display N has port 6000 + N.",
  ),
  // A desktop's worth of programs for each of a handful of people; each costs a descriptor and a channel.
  maxConnections: z.number().int().min(1).default(256).describe(
    "Most connections of programs to displays at once; further ones are closed.",
  ),
});

/** Strict: an unknown key is an error with its path. */
export const x11Config: z.ZodType<X11Config> = fields.superRefine(({ displayOffset, maxPort }, problems) => {
  if (FIRST_PORT + displayOffset <= maxPort) return;
  problems.addIssue({
    code: "custom",
    path: ["maxPort"],
    message: `leaves no port: the first display, ${displayOffset}, has port ${FIRST_PORT + displayOffset}`,
  });
});
