/**
 * The unit graph as a drawing.
 *
 * @module
 */
import type { UnitGraph } from "./unit_graph.ts";

/** Text for Graphviz (`dot -Tsvg`): a node per name, an arrow from each unit to what it waits for. */
export function toDot(graph: UnitGraph): string {
  const nodes = graph.names().map((name) => {
    const status = graph.status(name) || "not registered";
    return `  ${quoted(name)} [label=${quoted(`${name}\n${status}`)}];`;
  });
  const edges = graph.names().flatMap((name) =>
    graph.dependencies(name).map(({ dependsOn, required, isSatisfied }) => {
      const style = isSatisfied ? "solid" : "dashed";
      return `  ${quoted(name)} -> ${quoted(dependsOn)} [label=${quoted(required)}, style=${style}];`;
    })
  );
  return ["digraph units {", ...nodes, ...edges, "}", ""].join("\n");
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
