/**
 * What the route of the reporting plugin answers. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "../../core/plugin.ts";

const PORTS = z.object({
  ports: z.array(
    z.object({
      process_name: z.string().describe("Program that listens; empty when it belongs to another user."),
      network: z.literal("tcp"),
      port: z.int(),
    }).meta({ id: "ListeningPort" }),
  ),
}).meta({ id: "ListeningPortList" });

/** The route of the reporting plugin. */
export const reportingApi: readonly RouteDescription[] = [
  {
    operation: "ports.list",
    method: "get",
    path: "/listening-ports",
    summary: "Lists the TCP ports that programs of the workspace listen on.",
    answers: {
      200: { summary: "As they were within the last second. Empty on other systems than Linux.", schema: PORTS },
      500: { summary: "The ports cannot be read; `detail` says why." },
    },
  },
];
