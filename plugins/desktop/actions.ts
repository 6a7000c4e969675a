/**
 * Every action, as a table: what it needs, whether it is input, and what it does.
 *
 * @module
 */
import { HttpProblem } from "../../core/errors.ts";
import type { Clock } from "../../core/plugin.ts";
import type { ActionName, ActionRequest } from "./action_request.ts";
import { fromScreen, toScreen } from "./coordinates.ts";
import type { DesktopSession, Point } from "./driver.ts";

/** What an action is done with. */
export interface ActionContext {
  readonly session: DesktopSession;
  readonly request: ActionRequest;
  readonly clock: Pick<Clock, "sleep">;
  /** Longest duration, in milliseconds. */
  readonly maxDurationMs: number;
  /** Aborts when nobody waits any more, or a person takes the desktop. */
  readonly signal: AbortSignal;
}

/** One action. */
export interface ActionSpec {
  readonly needs: readonly ("coordinate" | "start_coordinate" | "text" | "region")[];
  /** Whether it presses, moves or types, which waits for its turn and needs the lease. */
  readonly isInput: boolean;
  /** What a client is told when the driver fails. */
  readonly failure: string;
  /** Does it, after `needs` were checked. Resolves to another output than `<action> action performed`. */
  readonly run: (context: ActionContext) => Promise<string | void>;
}

const DEFAULT_DURATION_MS = 1000;
const DEFAULT_SCROLL = 3;

const SCROLL: Readonly<Record<string, Point>> = {
  up: { x: 0, y: -1 },
  down: { x: 0, y: 1 },
  left: { x: -1, y: 0 },
  right: { x: 1, y: 0 },
};

/** Actions by name, without those that are answered with a picture. */
export const ACTIONS: Readonly<Record<Exclude<ActionName, "screenshot" | "zoom">, ActionSpec>> = {
  key: input(["text"], "Key press failed", ({ session, request, signal }) => session.keyPress(request.text!, signal)),
  key_down: input(
    ["text"],
    "Key press failed",
    ({ session, request, signal }) => session.keyDown(request.text!, signal),
  ),
  key_up: input(["text"], "Key release failed", ({ session, request, signal }) => session.keyUp(request.text!, signal)),
  type: input(["text"], "Typing failed", ({ session, request, signal }) => session.type(request.text!, signal)),
  hold_key: input(["text"], "Key hold failed", holdKey),
  mouse_move: input(["coordinate"], "Mouse move failed", (it) => it.session.move(target(it), it.signal)),
  left_click: click("left", 1),
  right_click: click("right", 1),
  middle_click: click("middle", 1),
  double_click: click("left", 2),
  triple_click: click("left", 3),
  left_click_drag: input(
    ["start_coordinate", "coordinate"],
    "Drag failed",
    (it) => it.session.drag(target(it, it.request.start_coordinate!), target(it), it.signal),
  ),
  left_mouse_down: input([], "Mouse press failed", ({ session, signal }) => session.buttonDown("left", signal)),
  left_mouse_up: input([], "Mouse release failed", ({ session, signal }) => session.buttonUp("left", signal)),
  scroll: input(["coordinate"], "Scroll failed", scroll),
  cursor_position: {
    needs: [],
    isInput: false,
    failure: "Cursor position failed",
    async run({ session, request, signal }) {
      const { x, y } = fromScreen(await session.cursorPosition(signal), scaledSize(request), session.size);
      return `x=${x},y=${y}`;
    },
  },
  wait: {
    needs: [],
    isInput: false,
    failure: "Wait failed",
    run: async (it) => await it.clock.sleep(durationOf(it), it.signal),
  },
};

/** The space that a request's coordinates are in. */
export function scaledSize({ scaled_width, scaled_height }: ActionRequest): { width?: number; height?: number } {
  return { width: positive(scaled_width), height: positive(scaled_height) };
}

function input(needs: ActionSpec["needs"], failure: string, run: ActionSpec["run"]): ActionSpec {
  return { needs, isInput: true, failure, run };
}

function click(button: "left" | "middle" | "right", times: number): ActionSpec {
  return input(["coordinate"], "Click failed", (it) => it.session.click(target(it), button, times, it.signal));
}

async function holdKey(it: ActionContext): Promise<void> {
  const { session, request, clock, signal } = it;
  const duration = durationOf(it);
  await session.keyDown(request.text!, signal);
  try {
    await clock.sleep(duration, signal);
  } finally {
    await session.keyUp(request.text!, new AbortController().signal);
  }
}

async function scroll(it: ActionContext): Promise<void> {
  const { scroll_amount, scroll_direction } = it.request;
  const direction = SCROLL[scroll_direction || "down"];
  if (direction === undefined) {
    throw new HttpProblem(400, "Invalid scroll direction", {
      detail: `"${scroll_direction}" is none of ${Object.keys(SCROLL).join(", ")}`,
    });
  }
  const amount = scroll_amount ?? DEFAULT_SCROLL;
  await it.session.scroll(target(it), direction.x * amount, direction.y * amount, it.signal);
}

function target({ request, session }: ActionContext, [x, y] = request.coordinate!): Point {
  return toScreen({ x, y }, scaledSize(request), session.size);
}

function durationOf({ request, maxDurationMs }: ActionContext): number {
  const duration = positive(request.duration) ?? DEFAULT_DURATION_MS;
  if (duration <= maxDurationMs) return duration;
  throw new HttpProblem(400, `Cannot take ${duration} ms: the limit is ${maxDurationMs} ms`);
}

function positive(value: number | null | undefined): number | undefined {
  return value != null && value > 0 ? value : undefined;
}
