import { assertEquals, assertThrows } from "@std/assert";

import fc from "fast-check";

import { UnitError, UnitGraph, type UnitGraphLimits, type UnitProblem } from "./unit_graph.ts";

function graphOf(limits: Partial<UnitGraphLimits> = {}): UnitGraph {
  return new UnitGraph({ maxUnits: 1000, maxDependencies: 1000, maxNameLength: 100, ...limits });
}

function assertProblem(problem: UnitProblem, work: () => unknown, text: string): void {
  assertEquals(assertThrows(work, UnitError, text).problem, problem);
}

Deno.test("every method of UnitGraph refuses an empty name", () => {
  const graph = graphOf();

  for (
    const work of [
      () => graph.register(""),
      () => graph.depend("", "b"),
      () => graph.depend("a", ""),
      () => graph.setStatus("", "started"),
      () => graph.status(""),
      () => graph.isReady(""),
      () => graph.dependencies(""),
    ]
  ) assertProblem("no_name", work, "unit name is required");
  assertEquals(graph.units(), []);
});

Deno.test("register() makes a unit pending and ready; again, it keeps its status", () => {
  const graph = graphOf();
  graph.register("a");
  assertEquals(graph.units(), [{ name: "a", status: "pending", isReady: true }]);

  graph.setStatus("a", "started");
  graph.register("a");

  assertEquals(graph.status("a"), "started");
});

Deno.test("a unit that is not registered has no status, is ready, and cannot get a status", () => {
  const graph = graphOf();
  graph.depend("a", "only named");

  for (const name of ["never heard of", "only named"]) {
    assertEquals([graph.status(name), graph.isReady(name), graph.dependencies(name)], ["", true, []]);
    assertProblem("not_found", () => graph.setStatus(name, "completed"), "must be registered first: unit not found");
  }
  assertEquals(graph.units().map(({ name }) => name), ["a"]);
});

Deno.test("setStatus() allows every change but to the same status", () => {
  const graph = graphOf();
  graph.register("a");

  for (const status of ["completed", "started", "pending", "started"] as const) {
    graph.setStatus("a", status);
    assertProblem("same_status", () => graph.setStatus("a", status), "same status already set");
    assertEquals(graph.status("a"), status);
  }
});

Deno.test("depend() makes a unit wait until the other has exactly the required status, and again when it leaves it", () => {
  const graph = graphOf();
  graph.depend("web", "db");
  const ready: boolean[] = [graph.isReady("web")];

  graph.register("db");
  for (const status of ["started", "completed", "started"] as const) {
    graph.setStatus("db", status);
    ready.push(graph.isReady("web"));
  }

  assertEquals(ready, [false, false, true, false]);
  assertEquals(graph.dependencies("web"), [
    { unit: "web", dependsOn: "db", required: "completed", current: "started", isSatisfied: false },
  ]);
});

Deno.test("readiness goes along a chain, one step at a time", () => {
  const graph = graphOf();
  graph.depend("c", "b");
  graph.depend("b", "a");
  graph.register("a");
  const ready = () => ["a", "b", "c"].map((name) => graph.isReady(name));
  const seen = [ready()];

  graph.setStatus("a", "completed");
  seen.push(ready());
  graph.setStatus("b", "completed");
  seen.push(ready());

  assertEquals(seen, [[true, false, false], [true, true, false], [true, true, true]]);
});

Deno.test("a unit with several dependencies waits for all of them", () => {
  const graph = graphOf();
  for (const name of ["a", "b"]) {
    graph.register(name);
    graph.depend("web", name);
  }

  graph.setStatus("a", "completed");

  assertEquals(graph.isReady("web"), false);
  const unmet = graph.dependencies("web").filter(({ isSatisfied }) => !isSatisfied);
  assertEquals(unmet.map(({ dependsOn }) => dependsOn), ["b"]);
});

Deno.test("several units that wait for one become ready with it, each by the status it asked for", () => {
  const graph = graphOf();
  graph.register("db");
  for (const name of ["web", "worker"]) graph.depend(name, "db");
  graph.depend("probe", "db", "started");
  const ready = () => graph.units().filter(({ isReady }) => isReady).map(({ name }) => name).sort();

  assertEquals(ready(), ["db"]);
  graph.setStatus("db", "started");
  assertEquals(ready(), ["db", "probe"]);
  graph.setStatus("db", "completed");
  assertEquals(ready(), ["db", "web", "worker"]);
});

Deno.test("depend() on a unit that was started already changes its readiness, not its status", () => {
  const graph = graphOf();
  graph.register("web");
  graph.setStatus("web", "started");

  graph.depend("web", "db");

  assertEquals(graph.units(), [{ name: "web", status: "started", isReady: false }]);
});

Deno.test("depend() again replaces the required status", () => {
  const graph = graphOf();
  graph.depend("web", "db");
  graph.register("db");
  graph.setStatus("db", "started");

  graph.depend("web", "db", "started");

  assertEquals(graph.isReady("web"), true);
  assertEquals(graph.dependencies("web").length, 1);
});

Deno.test("depend() refuses a cycle, names its path, and leaves the dependent unit registered", () => {
  const graph = graphOf();
  graph.depend("a", "b");
  graph.depend("b", "c");

  assertProblem("cycle", () => graph.depend("self", "self"), 'cycle detected: "self" -> "self"');
  assertProblem("cycle", () => graph.depend("b", "a"), 'cycle detected: "b" -> "a" -> "b"');
  assertProblem("cycle", () => graph.depend("c", "a"), 'cycle detected: "c" -> "a" -> "b" -> "c"');

  assertEquals(graph.units().map(({ name }) => name), ["a", "b", "c", "self"]);
  assertEquals(graph.dependencies("c"), []);
});

Deno.test("depend() refuses each of fifty attempts to close a chain", () => {
  const graph = graphOf();
  for (let i = 0; i < 50; i++) graph.depend(`u${i}`, `u${i + 1}`);

  for (let i = 0; i < 50; i++) assertProblem("cycle", () => graph.depend("u50", `u${i}`), "cycle detected");

  assertEquals(graph.dependencies("u50"), []);
});

Deno.test("UnitGraph never has a cycle, and completing what is ready completes everything", () => {
  const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
  fc.assert(fc.property(fc.array(fc.tuple(name, name), { maxLength: 40 }), (edges) => {
    const graph = graphOf();
    for (const [unit, dependsOn] of edges) {
      try {
        graph.depend(unit, dependsOn);
      } catch (error) {
        assertEquals((error as UnitError).problem, "cycle");
      }
    }
    for (const unit of graph.names()) graph.register(unit);

    for (let round = 0; round < 6; round++) {
      for (const { name, status, isReady } of graph.units()) {
        if (isReady && status !== "completed") graph.setStatus(name, "completed");
      }
    }

    assertEquals(graph.units().filter(({ status }) => status !== "completed"), []);
  }));
});

Deno.test("UnitGraph keeps to its limits", () => {
  const graph = graphOf({ maxUnits: 3, maxDependencies: 1, maxNameLength: 5 });
  graph.depend("a", "b");

  assertProblem("limit", () => graph.depend("b", "c"), "1 dependencies are there and that is the limit");
  assertProblem("limit", () => graph.register("d"), "3 units are known and that is the limit");
  assertProblem("limit", () => graph.register("123456"), "unit name has 6 characters and the limit is 5");
  graph.depend("a", "b", "started");
});
