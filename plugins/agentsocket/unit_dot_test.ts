import { assertEquals } from "@std/assert";

import { toDot } from "./unit_dot.ts";
import { UnitGraph } from "./unit_graph.ts";

function graphOf(): UnitGraph {
  return new UnitGraph({ maxUnits: 10, maxDependencies: 10, maxNameLength: 100 });
}

Deno.test("toDot() draws an empty graph", () => {
  assertEquals(toDot(graphOf()), "digraph units {\n}\n");
});

Deno.test("toDot() draws units with their status and arrows to what they wait for", () => {
  const graph = graphOf();
  graph.depend("web", "db");
  graph.depend("web", 'cache "1"');
  graph.register("db");
  graph.setStatus("db", "completed");

  assertEquals(
    toDot(graph),
    [
      "digraph units {",
      '  "web" [label="web\\npending"];',
      '  "db" [label="db\\ncompleted"];',
      '  "cache \\"1\\"" [label="cache \\"1\\"\\nnot registered"];',
      '  "web" -> "db" [label="completed", style=solid];',
      '  "web" -> "cache \\"1\\"" [label="completed", style=dashed];',
      "}",
      "",
    ].join("\n"),
  );
});
