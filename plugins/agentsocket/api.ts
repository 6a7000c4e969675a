/**
 * What the unit routes answer. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "../../core/plugin.ts";

const UNITS = z.object({
  units: z.array(
    z.object({
      unit: z.string().describe("Its name."),
      status: z.string(),
      is_ready: z.boolean().describe("Whether everything it depends on is where it has to be."),
      dependencies: z.array(
        z.object({
          depends_on: z.string().describe("Name of the other unit."),
          required_status: z.string(),
          current_status: z.string(),
          is_satisfied: z.boolean(),
        }).meta({ id: "UnitDependency" }),
      ),
    }).meta({ id: "Unit" }),
  ),
}).meta({ id: "UnitList" });

/** Every route of the socket plugin. */
export const agentsocketApi: readonly RouteDescription[] = [
  {
    operation: "units.list",
    method: "get",
    path: "/units",
    summary: "Lists the units that processes of the workspace wait for.",
    answers: { 200: { summary: "As things are now.", schema: UNITS } },
  },
  {
    operation: "units.graph",
    method: "get",
    path: "/units.dot",
    summary: "Draws the units for Graphviz.",
    answers: { 200: { summary: "A graph in the DOT language.", mediaType: "text/vnd.graphviz" } },
  },
];
