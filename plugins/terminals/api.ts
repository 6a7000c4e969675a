/**
 * What the terminal's route takes and says. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "../../core/plugin.ts";

/** The route of the terminals plugin. */
export const terminalsApi: readonly RouteDescription[] = [
  {
    operation: "terminals.attach",
    method: "get",
    path: "/",
    summary: "Shows a terminal, and starts it when it is new.",
    query: {
      id: { type: "text", summary: "UUID that names the terminal." },
      reconnect: { type: "text", summary: "The same, by the name that Coder's agent has for it." },
      width: { type: "count", summary: "Columns, 1 to 1000. Default 80." },
      height: { type: "count", summary: "Rows, 1 to 1000. Default 24." },
      command: { type: "text", summary: "What a new terminal runs in the user's shell. Default: a login shell." },
    },
    answers: {
      101: { summary: "A WebSocket. Messages from the agent are bytes for the screen." },
      400: { summary: "There is no UUID, or a size is out of range." },
      426: { summary: "The request is no WebSocket handshake." },
      429: { summary: "There are too many terminals." },
      500: { summary: "The shell could not be started; `detail` says why." },
    },
    messages: {
      fromClient: z.object({
        data: z.string().optional().describe("What is typed."),
        width: z.int().optional().describe("Columns; counts together with `height`."),
        height: z.int().optional().describe("Rows."),
      }).meta({ id: "TerminalInput" }),
      fromAgent: z.string().meta({ id: "TerminalOutput" }).describe("Binary: bytes for the screen."),
    },
  },
];
