/**
 * The unit graph for people and programs that speak HTTP.
 *
 * @module
 */
import type { Hono } from "hono";

import { toDot } from "./unit_dot.ts";
import type { UnitGraph } from "./unit_graph.ts";

/** Adds `GET /units` and `GET /units.dot`. */
export function addUnitRoutes(app: Hono, units: UnitGraph): void {
  app.get("/units", (c) =>
    c.json({
      units: units.units().map(({ name, status, isReady }) => ({
        unit: name,
        status,
        is_ready: isReady,
        dependencies: units.dependencies(name).map(({ dependsOn, required, current, isSatisfied }) => ({
          depends_on: dependsOn,
          required_status: required,
          current_status: current,
          is_satisfied: isSatisfied,
        })),
      })),
    }));
  app.get("/units.dot", (c) => c.body(toDot(units), 200, { "content-type": "text/vnd.graphviz; charset=utf-8" }));
}
