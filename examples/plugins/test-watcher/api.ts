/**
 * Descriptions of the routes. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "@outpost/agent";

const RUN = z.object({
  number: z.number().int().describe("Counts from 1."),
  state: z.enum(["running", "passed", "failed", "stopped"]),
  startedAt: z.number().describe("Milliseconds since the epoch."),
  durationMs: z.number().optional(),
  exitCode: z.number().int().optional(),
  output: z.string().describe("The end of what it wrote; empty while running."),
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
    answers: { 202: { summary: "It begins when the present one is over.", schema: z.object({ message: z.string() }) } },
  },
  {
    operation: "testWatcher.live",
    method: "get",
    path: "/live",
    summary: "WebSocket: the newest run now, and whenever it changes.",
    answers: { 101: { summary: "Each message is a run." } },
    messages: { fromClient: z.never(), fromAgent: RUN },
  },
];
