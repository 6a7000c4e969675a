/**
 * What can be asked of the desktop, in the words of Coder's agent and of the models that use it.
 *
 * @module
 */
import { z } from "zod";

import { MAX_SIDE } from "./image/picture.ts";

/** Every action. */
export const ACTION_NAMES = [
  ...[
    "key",
    "key_down",
    "key_up",
    "type",
    "hold_key",
    "mouse_move",
    "left_click",
    "right_click",
    "middle_click",
  ] as const,
  ...["double_click", "triple_click", "left_click_drag", "left_mouse_down", "left_mouse_up", "scroll"] as const,
  ...["cursor_position", "wait", "screenshot", "zoom"] as const,
] as const;
/** Name of an action. */
export type ActionName = (typeof ACTION_NAMES)[number];

/** One action, as it is sent. Names and units are those of the route. */
export interface ActionRequest {
  readonly action: string;
  readonly coordinate?: readonly [number, number] | null;
  readonly start_coordinate?: readonly [number, number] | null;
  readonly text?: string | null;
  /** Milliseconds. */
  readonly duration?: number | null;
  readonly scroll_amount?: number | null;
  readonly scroll_direction?: string | null;
  readonly scaled_width?: number | null;
  readonly scaled_height?: number | null;
  readonly region?: readonly [number, number, number, number] | null;
  readonly format?: "png" | "jpeg" | "webp" | null;
  readonly quality?: number | null;
  readonly if_changed_from?: string | null;
  readonly epoch?: number | null;
}

/** What an action answers. Fields without a value are left out. */
export interface ActionAnswer {
  readonly output: string;
  /** Base64. */
  readonly screenshot_data?: string;
  readonly screenshot_width?: number;
  readonly screenshot_height?: number;
  /** Media type of the data, unless it is `image/png`. */
  readonly screenshot_type?: string;
  readonly screenshot_hash?: string;
  readonly screenshot_unchanged?: true;
  /** Of the lease, when the action was done. */
  readonly epoch: number;
}

/** Most notches of a wheel in one action. */
const MAX_SCROLL = 100;
/** Longest text of one action, in UTF-16 units: minutes of typing. */
const MAX_TEXT = 100_000;

const POINT = z.array(z.int()).length(2).transform(([x, y]) => [x!, y!] as const);
const REGION = z.array(z.int()).length(4).transform(([left, top, right, bottom]) =>
  [left!, top!, right!, bottom!] as const
);

/** Unknown fields are ignored, as Coder's agent does. */
export const actionRequest: z.ZodType<ActionRequest> = z.object({
  action: z.string().default("").describe("What to do."),
  coordinate: POINT.nullish().describe("`[x, y]` of mouse actions, in the scaled space."),
  start_coordinate: POINT.nullish().describe("`[x, y]` where a drag begins, in the scaled space."),
  text: z.string().max(MAX_TEXT).nullish().describe(
    "Text to type; for key actions keys as in `ctrl+s`, `Return`, `F5`, several separated by spaces.",
  ),
  duration: z.int().nullish().describe("Milliseconds that `hold_key` holds and `wait` waits. Default 1000."),
  scroll_amount: z.int().min(0).max(MAX_SCROLL).nullish().describe("Notches of the wheel. Default 3."),
  scroll_direction: z.string().nullish().describe("`up`, `down` (default), `left` or `right`."),
  scaled_width: z.int().max(MAX_SIDE).nullish().describe(
    "Width of the space that coordinates are in, and of screenshots. Default: the screen's.",
  ),
  scaled_height: z.int().max(MAX_SIDE).nullish().describe(
    "Height of the space that coordinates are in, and of screenshots. Default: the screen's.",
  ),
  region: REGION.nullish().describe(
    "`[left, top, right, bottom]` of `zoom`, in the scaled space; right and bottom are excluded.",
  ),
  format: z.enum(["png", "jpeg", "webp"]).nullish().describe("Of a screenshot. Default `png`."),
  quality: z.int().min(1).max(100).nullish().describe("Of a JPEG or WebP screenshot. Default 80."),
  if_changed_from: z.string().nullish().describe(
    "Hash of a screenshot the caller has: while the screen shows the same, the answer has no data.",
  ),
  epoch: z.int().nullish().describe(
    "Epoch of the lease that the input was decided in; input from an earlier one is refused with 409.",
  ),
});
