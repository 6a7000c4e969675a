/**
 * The tool by which a model sees and uses the desktop, as models of Anthropic know it.
 *
 * @module
 * @see https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/computer-use-tool
 */
import { z } from "zod";

import { messageOf } from "../../../core/errors.ts";
import { declaredSize, type DisplaySize } from "./declared_size.ts";
import { defineTool, type Tool, ToolError } from "./tool.ts";
import type { DesktopAction, DesktopResult, WorkspaceDesktop } from "./workspace_api.ts";

/** What the model is told of the screen; the agent maps its coordinates to the real one. */
export const DISPLAY: DisplaySize = declaredSize({ width: 1920, height: 1080 });
/** Actions of the tool. Those below are answered with their own picture, the others with one taken after them. */
const ACTIONS = [
  ...["screenshot", "zoom", "wait", "cursor_position", "mouse_move", "left_click", "right_click"] as const,
  ...["middle_click", "double_click", "triple_click", "left_click_drag", "left_mouse_down", "left_mouse_up"] as const,
  ...["scroll", "key", "hold_key", "type"] as const,
] as const;
const PICTURES: readonly string[] = ["screenshot", "zoom"];

const POINT = z.array(z.int()).length(2);

interface ComputerInput {
  readonly action: (typeof ACTIONS)[number];
  readonly coordinate?: readonly number[] | null;
  readonly start_coordinate?: readonly number[] | null;
  readonly region?: readonly number[] | null;
  readonly text?: string | null;
  readonly duration?: number | null;
  readonly scroll_amount?: number | null;
  readonly scroll_direction?: "up" | "down" | "left" | "right" | null;
}

const input: z.ZodType<ComputerInput> = z.object({
  action: z.enum(ACTIONS).describe("What to do."),
  coordinate: POINT.nullish().describe("[x, y] in pixels of the screenshot, from its upper left corner."),
  start_coordinate: POINT.nullish().describe("[x, y] where left_click_drag begins."),
  region: z.array(z.int()).length(4).nullish().describe("[left, top, right, bottom] of zoom."),
  text: z.string().nullish().describe('Text to type, or keys such as "ctrl+s" and "Return" for key and hold_key.'),
  duration: z.number().nullish().describe("Milliseconds of hold_key and wait. Default 1000."),
  scroll_amount: z.int().nullish().describe("Notches of the wheel. Default 3."),
  scroll_direction: z.enum(["up", "down", "left", "right"]).nullish().describe('Default "down".'),
});

/** What a call came to; the picture is taken out and shown as one. */
interface ComputerResult {
  readonly output: string;
  readonly display_width: number;
  readonly display_height: number;
  readonly screenshot_data?: string;
}

const result: z.ZodType<ComputerResult> = z.looseObject({
  output: z.string().describe("What was done, or where the pointer is."),
  display_width: z.int().describe("Width of the space that coordinates are in."),
  display_height: z.int().describe("Height of the space that coordinates are in."),
  screenshot_data: z.string().optional().describe("Taken out, and shown as a picture."),
});

/** Sees and uses the desktop. */
export const computer: Tool = defineTool({
  name: "computer",
  title: "Use the desktop",
  description:
    "Uses the mouse and the keyboard of the workspace's desktop, and answers each action with a screenshot. Start " +
    "programs with execute in the background; they appear there. A person may take the desktop over: then actions are " +
    "refused until it is handed back, and a new screenshot is needed before the next one.",
  part: "desktop",
  picture: "screenshot_data",
  invalid: "invalid computer use input",
  provider: {
    type: "computer_20251124",
    name: "computer",
    display_width_px: DISPLAY.width,
    display_height_px: DISPLAY.height,
    enable_zoom: true,
  },
  input,
  result,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  async run(wanted, api, { signal }): Promise<ComputerResult> {
    const desktop = api.desktop!;
    const done = await act(desktop, actionOf(wanted), signal);
    const shown = PICTURES.includes(wanted.action)
      ? done
      : await act(desktop, { action: "screenshot", ...SCALED }, signal);
    const size = { display_width: DISPLAY.width, display_height: DISPLAY.height };
    return { output: done.output, ...size, screenshot_data: shown.screenshot_data };
  },
});

const SCALED = { scaled_width: DISPLAY.width, scaled_height: DISPLAY.height };

/** What was left out stays out, and the origin is a place like any other. */
function actionOf({ action, duration, scroll_amount, ...rest }: ComputerInput): DesktopAction {
  const given = Object.entries(rest).filter(([, value]) => value != null && value !== "");
  return {
    action,
    ...Object.fromEntries(given),
    ...(duration != null && duration > 0 && { duration: Math.round(duration) }),
    ...(scroll_amount != null && scroll_amount > 0 && { scroll_amount }),
    ...SCALED,
  };
}

async function act(desktop: WorkspaceDesktop, action: DesktopAction, signal: AbortSignal): Promise<DesktopResult> {
  try {
    return await desktop.act(action, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new ToolError(`action ${action.action} failed: ${messageOf(error)}`, { cause: error });
  }
}
