/**
 * The desktop's routes: parse, call, answer.
 *
 * @module
 */
import type { Context, Hono } from "hono";
import { z } from "zod";

import { HttpProblem, messageOf } from "../../core/errors.ts";
import { chatIdentityOf } from "../../core/http/chat_identity.ts";
import { json, readJson } from "../../core/http/json.ts";
import { type QuerySpec, readQuery } from "../../core/http/query.ts";
import type { Clock } from "../../core/plugin.ts";
import { type ActionRequest, actionRequest } from "./action_request.ts";
import type { Desktop, ViewerRequest } from "./desktop.ts";
import type { ActionCaller } from "./desktop_control.ts";
import { DesktopHeldError } from "./lease.ts";

/** What the routes work with. */
export interface DesktopRoutesOptions {
  readonly clock: Clock;
  /** Aborted when the agent begins to stop. */
  readonly signal: AbortSignal;
  /** The desktop. Made when it is first asked for. */
  readonly desktop: () => Promise<Desktop>;
}

/** Longest wait for a change of hands, in milliseconds: below the time an answer may take. */
export const MAX_LEASE_WAIT_MS = 25_000;
/** Longest name and note of a person, in UTF-16 units. */
const MAX_NAME = 64;
const MAX_NOTE = 2000;

/** Query of `GET /vnc`. */
export const VIEWER_QUERY = {
  view_only: { type: "switch", summary: "Drops everything the viewer does but watching." },
  name: { type: "text", summary: `What the person is called, at most ${MAX_NAME} characters. Default: a number.` },
} as const satisfies QuerySpec;

/** Query of `GET /lease`. */
export const LEASE_QUERY = {
  epoch: { type: "count", summary: "Waits while the lease is still in this epoch." },
  wait_ms: { type: "count", summary: `How long, at most ${MAX_LEASE_WAIT_MS}. Default 0: not at all.` },
  screenshot: { type: "switch", summary: "Adds the screen as it was when it was handed back last." },
} as const satisfies QuerySpec;

/** Body of `POST /lease/take`. */
export const TAKE_BODY: z.ZodType<{ readonly name: string }> = z.object({
  name: z.string().max(MAX_NAME).default("A person").describe("What the person is called."),
});
/** Body of `POST /lease/hand-back`. */
export const HAND_BACK_BODY: z.ZodType<{ readonly note: string }> = z.object({
  note: z.string().max(MAX_NOTE).default("").describe("What the agents should know."),
});

/** Registers the routes on `app`, relative to the plugin's prefix. */
export function addDesktopRoutes(app: Hono, options: DesktopRoutesOptions): void {
  app.post("/action", async (c) => {
    const desktop = await options.desktop();
    const session = await desktop.start(); // Before the body is looked at, as Coder's agent does.
    const request = await decodeAction(c);
    try {
      return json(c, await desktop.act(session, request, callerOf(c, options.signal)));
    } catch (error) {
      if (error instanceof DesktopHeldError) return held(c, error, options.clock);
      throw error;
    }
  });

  app.get("/lease", async (c) => {
    const desktop = await options.desktop();
    const { epoch, wait_ms, screenshot } = readQuery(c, LEASE_QUERY);
    await untilChanged(desktop, epoch, Math.min(wait_ms, MAX_LEASE_WAIT_MS), c.req.raw.signal, options);
    if (screenshot) desktop.hasSeen(callerOf(c, options.signal));
    return json(c, await leaseAnswer(desktop, screenshot));
  });

  app.post("/lease/take", async (c) => {
    const { name } = await readOptionalJson(c, TAKE_BODY);
    const desktop = await options.desktop();
    await desktop.start();
    await desktop.take(name);
    return json(c, await leaseAnswer(desktop, false));
  });

  app.post("/lease/hand-back", async (c) => {
    const { note } = await readOptionalJson(c, HAND_BACK_BODY);
    const desktop = await options.desktop();
    if (!desktop.giveBack(note)) {
      throw new HttpProblem(409, "Nobody holds the desktop", { detail: "agents may use it already" });
    }
    return json(c, await leaseAnswer(desktop, true));
  });
}

/** What a viewer asks for. @throws {HttpProblem} 400 for what the route does not know. */
export function viewerRequestOf(c: Context): ViewerRequest {
  const { name, view_only } = readQuery(c, VIEWER_QUERY);
  if (name.length > MAX_NAME) {
    throw new HttpProblem(400, "Query parameters have invalid values", {
      code: "validation_failed",
      validations: [{ field: "name", detail: `longer than ${MAX_NAME} characters` }],
    });
  }
  return { name: name.trim(), isViewOnly: view_only };
}

/** How the lease stands, under the names of the answer. */
export async function leaseAnswer(desktop: Desktop, withScreenshot: boolean): Promise<object> {
  const { epoch, holder } = desktop.lease.state;
  const { handBack, lastAction, running } = desktop;
  return {
    epoch,
    held_by: holder === undefined ? "agents" : "person",
    ...(holder && { holder: { name: holder.name, since: iso(holder.since), until: iso(holder.until) } }),
    running: running !== undefined,
    viewers: desktop.viewers.map(({ name, isViewOnly }) => ({ name, view_only: isViewOnly })),
    ...(lastAction && { last_action: { action: lastAction.action, at: iso(lastAction.at) } }),
    ...(handBack && {
      hand_back: {
        at: iso(handBack.at),
        ...{ how: handBack.how, name: handBack.name, note: handBack.note },
        ...(withScreenshot && { screenshot_data: await handBack.screenshot }),
      },
    }),
  };
}

function callerOf(c: Context, stopping: AbortSignal): ActionCaller {
  const signal = AbortSignal.any([c.req.raw.signal, stopping]);
  return { name: chatIdentityOf(c.req.raw.headers)?.chatId ?? "", signal };
}

async function decodeAction(c: Context): Promise<ActionRequest> {
  try {
    return await readJson(c, actionRequest);
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.status !== 400) throw error;
    throw new HttpProblem(400, "Failed to decode request body", {
      code: error.code,
      detail: error.detail ?? messageOf(error),
      validations: error.validations,
      cause: error,
    });
  }
}

/** Reads a body that may be left out. */
async function readOptionalJson<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  return (await c.req.text()).trim() === "" ? schema.parse({}) : await readJson(c, schema);
}

/** The one error body, with the lease beside it. */
function held(c: Context, error: DesktopHeldError, clock: Clock): Response {
  const { epoch, holder } = error.state;
  c.header("retry-after", String(Math.max(1, Math.ceil((holder.until - clock.now()) / 1000))));
  return json(c, {
    message: "A person holds the desktop",
    detail: error.message,
    code: error.code,
    plugin: "desktop",
    epoch,
    holder: { name: holder.name, since: iso(holder.since), until: iso(holder.until) },
  }, 423);
}

async function untilChanged(
  desktop: Desktop,
  epoch: number,
  waitMs: number,
  client: AbortSignal,
  { clock, signal }: DesktopRoutesOptions,
): Promise<void> {
  if (desktop.lease.state.epoch !== epoch || waitMs === 0) return;
  const over = new AbortController();
  const late = clock.sleep(waitMs, AbortSignal.any([client, signal, over.signal])).catch(() => {}); // Answered as it is.
  await Promise.race([desktop.lease.changed, late]);
  over.abort();
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
