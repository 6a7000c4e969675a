/**
 * The tools for programs that speak no MCP: two plain routes, under the names of Coder's agent.
 *
 * @module
 */
import type { Hono } from "hono";

import type { SessionOptions } from "./session.ts";

/** Registers `GET /tools` and `POST /call-tool`. The tools are loaded by the first request: they are most of the plugin. */
export function addPlainRoutes(app: Hono, options: SessionOptions): void {
  const load = () => import("./plain_answers.ts");
  app.get("/tools", async (c) => (await load()).answerTools(c, options));
  app.post("/call-tool", async (c) => await (await load()).answerCall(c, options));
}
