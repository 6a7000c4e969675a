/**
 * Takes what others than the working agent itself see of a task: `POST /task-events`.
 *
 * @module
 */
import type { Hono } from "hono";
import { z } from "zod";

import { HttpProblem, messageOf } from "../../core/errors.ts";
import { json, readJson } from "../../core/http/json.ts";
import { APP_SLUG_HEADER, callerOf } from "./caller.ts";
import type { TaskReports } from "./task_reports.ts";

/** Body of an event. */
export const TASK_EVENT = z.object({
  state: z.enum(["working", "idle"]).describe("Whether the screen moves, or the agent was told to do something."),
  user_message: z.number().int().min(0).optional().describe(
    "Number of the user's message that began the work; a number not above the last one is taken for a repetition.",
  ),
}).meta({ id: "TaskEvent" });

/** Registers the route. `tasks` is absent while nothing delivers reports. */
export function addTaskEventRoute(app: Hono, tasks: TaskReports | undefined): void {
  app.post("/task-events", async (c) => {
    const { appSlug } = callerOf(c.req.raw.headers);
    if (appSlug === undefined) throw problem(400, `The header ${APP_SLUG_HEADER} has to name the app.`);
    const { state, user_message } = await readJson(c, TASK_EVENT);
    if (tasks === undefined) {
      throw problem(503, "The plugin agentsocket, which delivers reports, does not run.", "plugin_skipped");
    }
    const origin = user_message === undefined ? "screen" : { userMessage: user_message };
    try {
      return json(c, { reported: await tasks.report(appSlug, { state, summary: "", link: "", origin }) });
    } catch (error) {
      // The control plane is away or refuses; the watcher has nothing to mend.
      throw problem(502, messageOf(error), "mcp_task_not_reported", error);
    }
  });
}

function problem(status: number, detail: string, code?: string, cause?: unknown): HttpProblem {
  return new HttpProblem(status, "Task event not reported.", { detail, code, cause });
}
