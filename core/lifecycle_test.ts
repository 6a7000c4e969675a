import { assertEquals, assertThrows } from "@std/assert";

import { EDGES, Lifecycle, type State, STATES } from "./lifecycle.ts";

Deno.test("Lifecycle.step() allows exactly the edges of the table", () => {
  for (const from of STATES) {
    for (const to of STATES) {
      const lifecycle = arrive(from);
      if (EDGES[from].includes(to)) {
        lifecycle.step(to);
        assertEquals(lifecycle.state, to);
      } else {
        assertThrows(() => lifecycle.step(to), RangeError, `from "${from}" to "${to}"`);
        assertEquals(lifecycle.state, from);
      }
    }
  }
});

Deno.test("EDGES reaches every state from the first one", () => {
  const reached = new Set<State>(["registered"]);
  for (const state of reached) EDGES[state].forEach((next) => reached.add(next));

  assertEquals([...reached].sort(), [...STATES].sort());
});

Deno.test("Lifecycle.step() tells its listener the state and the reason", () => {
  const seen: [State, string | undefined][] = [];
  const lifecycle = new Lifecycle("p", (state, reason) => seen.push([state, reason]));

  lifecycle.step("skipped", "needs git");
  lifecycle.step("planned");

  assertEquals(seen, [["skipped", "needs git"], ["planned", undefined]]);
  assertEquals(lifecycle.reason, undefined);
});

/** A machine in state `to`, brought there by the shortest way. */
function arrive(to: State): Lifecycle {
  const ways = new Map<State, State[]>([["registered", []]]);
  for (const [state, way] of ways) {
    for (const next of EDGES[state]) if (!ways.has(next)) ways.set(next, [...way, next]);
  }
  const lifecycle = new Lifecycle("p");
  ways.get(to)?.forEach((state) => lifecycle.step(state));
  return lifecycle;
}
