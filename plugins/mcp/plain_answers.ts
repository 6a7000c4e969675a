/**
 * What the plain routes answer.
 *
 * @module
 */
import type { Context } from "hono";
import { z } from "zod";

import { elapsedOn } from "../../core/clock.ts";
import { HttpProblem } from "../../core/errors.ts";
import { json, readJson } from "../../core/http/json.ts";
import { callerOf } from "./caller.ts";
import { offeredTools } from "./offered_tools.ts";
import type { SessionOptions } from "./session.ts";
import { callTool } from "./tool_calls.ts";

/** The server part of tool names here: a control plane has tools of its own with the same names. */
const SERVER = "outpost";
const PREFIX = `${SERVER}__`;

/** Body of a call. */
export const CALL = z.object({
  tool_name: z.string().describe("As `GET /tools` lists it."),
  arguments: z.record(z.string(), z.unknown()).nullish().describe("As the tool's schema says."),
}).meta({ id: "CallTool" });

/** Lists the tools that the caller is offered. */
export function answerTools(c: Context, { workspace, config }: SessionOptions): Response {
  const caller = callerOf(c.req.raw.headers);
  const tools = offeredTools(workspace(caller), caller, config.allowedTools).map((
    { name, description, inputSchema },
  ) => ({
    server_name: SERVER,
    name: PREFIX + name,
    description,
    schema: inputSchema.properties ?? {},
    required: inputSchema.required ?? [],
  }));
  return json(c, { tools });
}

/**
 * Calls a tool.
 *
 * @throws {HttpProblem} When the request is none, or no such tool is offered.
 */
export async function answerCall(c: Context, options: SessionOptions): Promise<Response> {
  const { workspace, config, metrics, clock } = options;
  const caller = callerOf(c.req.raw.headers);
  const api = workspace(caller);
  const call = await readJson(c, CALL);
  const separator = call.tool_name.indexOf("__");
  if (separator < 1) {
    throw failed(400, `tool name ${JSON.stringify(call.tool_name)} has no server: expected "${PREFIX}NAME"`);
  }
  const tool = offeredTools(api, caller, config.allowedTools).find(({ name }) => PREFIX + name === call.tool_name);
  if (tool === undefined) throw failed(404, `tool ${JSON.stringify(call.tool_name)} is not known`);
  const context = { signal: c.req.raw.signal, now: () => elapsedOn(clock) };
  const { content, isError } = await callTool(tool, call.arguments ?? {}, { api, context, calls: metrics.calls });
  return json(c, { content, is_error: isError });
}

function failed(status: number, detail: string): HttpProblem {
  return new HttpProblem(status, "MCP tool call failed.", { detail });
}
