/**
 * Descriptions of the routes. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "@outpost/agent";
import { FROM_CLIENT } from "./live.ts";

const RUN = z.object({
  number: z.number().int().describe("Counts from 1."),
  state: z.enum(["running", "passed", "failed", "stopped"]),
  startedAt: z.number().describe("Milliseconds since the epoch."),
  durationMs: z.number().optional(),
  exitCode: z.number().int().optional(),
  endedBy: z.string().optional().describe("The signal that ended it."),
  outOfMemory: z.literal(true).optional().describe("It was killed for want of memory."),
  limitedBy: z.string().optional().describe("What held it to its memory."),
  output: z.string().describe("The end of what it wrote; empty while running."),
  errors: z.string().optional().describe("The end of its standard error, where that is kept apart."),
  changed: z.array(z.string()).describe("What changed."),
}).meta({ id: "TestRun" });

/** Every route of the plugin. */
export const testWatcherApi: readonly RouteDescription[] = [
  {
    operation: "testWatcher.runs",
    method: "get",
    path: "/",
    summary: "Lists the latest runs, the newest last.",
    answers: { 200: { summary: "As things are now.", schema: z.object({ runs: z.array(RUN) }) } },
  },
  {
    operation: "testWatcher.run",
    method: "post",
    path: "/run",
    summary: "Asks for a run.",
    answers: {
      202: {
        summary: "It begins when the present one is over.",
        schema: z.object({ run: z.number().int().describe("Its number.") }),
      },
    },
  },
  {
    operation: "testWatcher.live",
    method: "get",
    path: "/live",
    summary: "WebSocket: the newest run now, and whenever it changes.",
    answers: { 101: { summary: "Each message is a run; what is sent goes to the terminal of the present one." } },
    messages: { fromClient: FROM_CLIENT, fromAgent: RUN },
  },
];
