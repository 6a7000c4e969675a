/**
 * Settings of the desktop plugin.
 *
 * @module
 */
import { z } from "zod";

import { MAX_SIDE } from "./image/picture.ts";

/** Settings of the desktop plugin. */
export interface DesktopConfig {
  /** What makes the desktop; `auto` takes portabledesktop when it is there. */
  readonly driver: "auto" | "native" | "portabledesktop";
  /** Size of the screen, `WIDTHxHEIGHT` in pixels. */
  readonly geometry: string;
  /** Bits per pixel of the native driver's screen. */
  readonly depth: 16 | 24;
  /** Milliseconds a desktop may take to come up. */
  readonly startMs: number;
  /** Whether children of the agent find the running desktop in `DISPLAY`. */
  readonly shareDisplay: boolean;
  /** Milliseconds without input after which a person's hold on the desktop ends by itself. */
  readonly handBackMs: number;
  /** Most viewers at once. */
  readonly maxViewers: number;
  /** Bytes read ahead for each viewer. */
  readonly viewerQueueBytes: number;
  /** Milliseconds after which a viewer that takes nothing is closed. */
  readonly viewerStallMs: number;
  /** Most actions that wait for their turn. */
  readonly maxWaitingActions: number;
  /** Longest `duration` of an action, in milliseconds. */
  readonly maxDurationMs: number;
}

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** Strict: an unknown key is an error with its path. */
export const desktopConfig: z.ZodType<DesktopConfig> = z.strictObject({
  driver: z.enum(["auto", "native", "portabledesktop"]).default("auto").describe(
    'What makes the desktop: "native" starts TigerVNC\'s Xvnc, "portabledesktop" the program of that name, "auto" the ' +
      "latter when it is there.",
  ),
  geometry: z.string().refine((text) => parseGeometry(text) !== undefined, {
    error: `expected WIDTHxHEIGHT, each from 1 to ${MAX_SIDE}`,
  }).default("1920x1080").describe('Size of the screen in pixels, such as "1920x1080".'),
  depth: z.union([z.literal(16), z.literal(24)]).default(24).describe("Bits per pixel of the native driver's screen."),
  startMs: z.number().int().min(SECOND_MS).default(15 * SECOND_MS).describe(
    "Milliseconds a desktop may take to come up.",
  ),
  shareDisplay: z.boolean().default(true).describe(
    "Whether commands that the agent starts while the desktop runs find it in DISPLAY and XAUTHORITY.",
  ),
  handBackMs: z.number().int().min(SECOND_MS).default(MINUTE_MS).describe(
    "Milliseconds without input after which a person's hold on the desktop ends by itself.",
  ),
  maxViewers: z.number().int().min(1).max(1000).default(64).describe("Most viewers at once; further ones get 429."),
  viewerQueueBytes: z.number().int().min(64 * KIBIBYTE).max(256 * MEBIBYTE).default(MEBIBYTE).describe(
    "Bytes read ahead for each viewer; the desktop's server is asked for more when the viewer has taken some.",
  ),
  viewerStallMs: z.number().int().min(SECOND_MS).default(10 * SECOND_MS).describe(
    "Milliseconds after which a viewer whose queue is full and that takes nothing is closed with 1009.",
  ),
  maxWaitingActions: z.number().int().min(0).default(32).describe(
    "Most actions that wait for the one before them; further ones get 429.",
  ),
  maxDurationMs: z.number().int().min(0).max(10 * MINUTE_MS).default(MINUTE_MS).describe(
    'Longest "duration" of hold_key and wait, in milliseconds.',
  ),
});

/** Reads `WIDTHxHEIGHT`; `undefined` when it is none. */
export function parseGeometry(text: string): { readonly width: number; readonly height: number } | undefined {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  const size = { width: Number(width), height: Number(height) };
  const isSide = (side: number) => side >= 1 && side <= MAX_SIDE;
  return isSide(size.width) && isSide(size.height) ? size : undefined;
}
