/**
 * What the tool routes take and answer. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import { CHAT_HEADERS } from "../../core/http/route_description.ts";
import type { RouteDescription } from "../../core/plugin.ts";
import { APP_SLUG_HEADER } from "./caller.ts";
import { CALL } from "./plain_answers.ts";
import { TASK_EVENT } from "./task_event_route.ts";

const SCHEMA = z.record(z.string(), z.unknown());
const TOOLS = z.object({
  tools: z.array(
    z.object({
      server_name: z.string(),
      name: z.string().describe("For a call."),
      description: z.string(),
      schema: SCHEMA.describe("JSON Schema of each argument."),
      required: z.array(z.string()).describe("Arguments that may not be left out."),
    }).meta({ id: "Tool" }),
  ),
}).meta({ id: "ToolList" });
const RESULT = z.object({
  content: z.array(SCHEMA).describe("Content blocks of the Model Context Protocol."),
  is_error: z.boolean().describe("Whether the tool failed; then the content says why."),
}).meta({ id: "ToolResult" });

const REPORTED = z.object({
  reported: z.boolean().describe("Whether it was passed on; otherwise it said nothing new."),
}).meta({ id: "TaskEventResult" });

const SESSION = { "mcp-session-id": "Session that the first answer named." };

/** Every route of the tool plugin. */
export const mcpApi: readonly RouteDescription[] = [
  {
    operation: "mcp.tools",
    method: "get",
    path: "/tools",
    summary: "Lists the tools, for programs that do not speak the Model Context Protocol.",
    answers: { 200: { summary: "Every tool.", schema: TOOLS } },
  },
  {
    operation: "mcp.callTool",
    method: "post",
    path: "/call-tool",
    summary: "Calls a tool.",
    headers: CHAT_HEADERS,
    body: { schema: CALL },
    answers: {
      200: { summary: "The tool has answered.", schema: RESULT },
      400: { summary: "The request is malformed." },
      404: { summary: "There is no such tool." },
    },
  },
  {
    operation: "mcp.taskEvent",
    method: "post",
    path: "/task-events",
    summary: "Takes what is seen of a task from outside, and reports it where it says something new.",
    headers: { [APP_SLUG_HEADER]: "Slug of the workspace app whose task it is." },
    body: { schema: TASK_EVENT },
    answers: {
      200: { summary: "It was considered.", schema: REPORTED },
      400: { summary: "The request is malformed, or names no app." },
      502: { summary: "The control plane does not take the report now." },
      503: { summary: "The plugin that delivers reports does not run." },
    },
  },
  {
    operation: "mcp.message",
    method: "post",
    path: "/",
    summary: "Takes a message of the Model Context Protocol (streamable HTTP). Errors are JSON-RPC's own.",
    headers: SESSION,
    body: { summary: "A JSON-RPC message, or several." },
    answers: { 200: { summary: "JSON-RPC answers as events.", mediaType: "text/event-stream" } },
  },
  {
    operation: "mcp.listen",
    method: "get",
    path: "/",
    summary: "Streams messages of the agent to a session.",
    headers: SESSION,
    answers: { 200: { summary: "JSON-RPC messages as events.", mediaType: "text/event-stream" } },
  },
  {
    operation: "mcp.close",
    method: "delete",
    path: "/",
    summary: "Ends a session.",
    headers: SESSION,
    answers: { 200: { summary: "It has ended." } },
  },
];
