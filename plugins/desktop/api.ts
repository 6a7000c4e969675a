/**
 * What the desktop's routes take and answer. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import { CHAT_HEADERS } from "../../core/http/route_description.ts";
import type { RouteDescription } from "../../core/plugin.ts";
import { ACTION_NAMES, type ActionAnswer, actionRequest } from "./action_request.ts";
import { HAND_BACKS } from "./lease.ts";
import { HAND_BACK_BODY, LEASE_QUERY, TAKE_BODY, VIEWER_QUERY } from "./routes.ts";

const EPOCH = z.int().describe("Counts changes of hands; send it back with input that was decided by this answer.");

const ANSWER: z.ZodType<ActionAnswer> = z.object({
  output: z.string().describe("What was done, or where the pointer is (`x=1,y=2`)."),
  screenshot_data: z.string().optional().describe("Base64."),
  screenshot_width: z.int().optional(),
  screenshot_height: z.int().optional(),
  screenshot_type: z.string().optional().describe("Media type of the data, unless it is `image/png`."),
  screenshot_hash: z.string().optional().describe("Of the picture, for `if_changed_from`."),
  screenshot_unchanged: z.literal(true).optional().describe("The screen shows what the caller has; there is no data."),
  epoch: EPOCH,
}).meta({ id: "DesktopActionResult" });

const HOLDER = z.object({
  name: z.string(),
  since: z.iso.datetime(),
  until: z.iso.datetime().describe("When the hold ends unless there is more input."),
}).meta({ id: "DesktopHolder" });

const LEASE = z.object({
  epoch: EPOCH,
  held_by: z.enum(["agents", "person"]),
  holder: HOLDER.optional().describe("Present while a person holds it."),
  running: z.boolean().describe("Whether the desktop runs; it is started by its first use."),
  viewers: z.array(z.object({ name: z.string(), view_only: z.boolean() })),
  last_action: z.object({ action: z.string(), at: z.iso.datetime() }).optional().describe("What an agent did last."),
  hand_back: z.object({
    at: z.iso.datetime(),
    how: z.enum(HAND_BACKS),
    name: z.string(),
    note: z.string().describe("What the person left to be known."),
    screenshot_data: z.string().optional().describe("The screen as it was handed over: PNG in base64."),
  }).optional().describe("The last time a person gave it back."),
}).meta({ id: "DesktopLease" });

const HELD = z.object({
  message: z.string(),
  detail: z.string(),
  code: z.literal("desktop_held"),
  plugin: z.string(),
  epoch: EPOCH,
  holder: HOLDER,
}).meta({ id: "DesktopHeld" });

const INVALID = { summary: "The request is malformed." };
const NO_DESKTOP = { summary: "The desktop did not start; `detail` says why, and which packages are missing." };

/** A file of the page that shows the desktop. */
function pageRoute(operation: string, path: string, mediaType: string, summary: string): RouteDescription {
  return { operation, method: "get", path, summary, answers: { 200: { summary: "The file.", mediaType } } };
}

/** Every route of the desktop plugin. */
export const desktopApi: readonly RouteDescription[] = [
  {
    operation: "desktop.page",
    method: "get",
    path: "/:page{$}",
    summary: "Shows the desktop in a browser.",
    parameters: { page: "Nothing: the address ends with a slash." },
    answers: { 200: { summary: "The page.", mediaType: "text/html" }, 404: { summary: "There is no such page." } },
  },
  {
    operation: "desktop.pageRedirect",
    method: "get",
    path: "/",
    summary: "Leads to the page.",
    answers: { 308: { summary: "The page's address." } },
  },
  pageRoute("desktop.pageScript", "/viewer.js", "text/javascript", "Script of the page."),
  pageRoute("desktop.pageStyle", "/viewer.css", "text/css", "Style of the page."),
  {
    operation: "desktop.noVnc",
    method: "get",
    path: "/novnc/*",
    summary: "A script of noVNC, which the page loads.",
    answers: {
      200: { summary: "The script.", mediaType: "text/javascript" },
      404: { summary: "noVNC has no such script." },
    },
  },
  {
    operation: "desktop.act",
    method: "post",
    path: "/action",
    summary: "Does one action on the desktop, which is started by the first.",
    details: `Actions: ${ACTION_NAMES.join(", ")}.`,
    headers: CHAT_HEADERS,
    body: { schema: actionRequest },
    answers: {
      200: { summary: "It was done.", schema: ANSWER },
      400: INVALID,
      409: { summary: "A person has used the desktop since the caller looked at it." },
      423: { summary: "A person holds the desktop.", schema: HELD },
      429: { summary: "Too many actions wait." },
      500: { summary: "The desktop did not start, or its driver failed; `detail` says why." },
      501: { summary: "The picture takes a program that is missing." },
    },
  },
  {
    operation: "desktop.vnc",
    method: "get",
    path: "/vnc",
    summary: "Shows the desktop to a VNC client.",
    details: "Input of the client takes the desktop from the agents, unless it may only look.",
    query: VIEWER_QUERY,
    answers: {
      101: { summary: "A WebSocket with the bytes of the RFB protocol both ways." },
      400: INVALID,
      426: { summary: "The request is no WebSocket handshake." },
      429: { summary: "There are too many viewers." },
      500: NO_DESKTOP,
    },
    messages: {
      fromClient: z.string().meta({ id: "RfbFromClient" }).describe(
        "Binary: bytes of the client's side, cut anywhere.",
      ),
      fromAgent: z.string().meta({ id: "RfbFromServer" }).describe("Binary: bytes of the server's side, cut anywhere."),
    },
  },
  {
    operation: "desktop.lease",
    method: "get",
    path: "/lease",
    summary: "Tells who may use the desktop, now or after the next change of hands.",
    query: LEASE_QUERY,
    headers: CHAT_HEADERS,
    answers: { 200: { summary: "As things are.", schema: LEASE }, 400: INVALID },
  },
  {
    operation: "desktop.take",
    method: "post",
    path: "/lease/take",
    summary: "Takes the desktop for a person; agents are refused until it is handed back.",
    body: { schema: TAKE_BODY },
    answers: { 200: { summary: "Taken.", schema: LEASE }, 400: INVALID, 500: NO_DESKTOP },
  },
  {
    operation: "desktop.handBack",
    method: "post",
    path: "/lease/hand-back",
    summary: "Gives the desktop back to the agents, with the screen as it is.",
    body: { schema: HAND_BACK_BODY },
    answers: { 200: { summary: "Handed back.", schema: LEASE }, 400: INVALID, 409: { summary: "Nobody holds it." } },
  },
];
