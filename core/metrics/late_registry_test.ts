import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { LateRegistry } from "./late_registry.ts";
import { loadPromClient } from "./prom_client.ts";

function counted() {
  const late = new LateRegistry();
  const change = late.declare(({ Counter }, registry) =>
    new Counter({ name: "x_total", help: "X.", registers: [registry] })
  );
  return { late, change };
}

Deno.test("LateRegistry.open() makes the metrics with everything that happened to them before", async () => {
  const { late, change } = counted();
  change((counter) => counter.inc(2));
  change((counter) => counter.inc(3));

  const registry = await late.open();
  change((counter) => counter.inc(10));

  assertStringIncludes(await registry.metrics(), "x_total 15");
});

Deno.test("LateRegistry.open() gives the same registry each time and applies nothing twice", async () => {
  const { late, change } = counted();
  change((counter) => counter.inc());

  const [first, second] = await Promise.all([late.open(), late.open()]);

  assertEquals(first, second);
  assertStringIncludes(await second.metrics(), "x_total 1\n");
});

Deno.test("LateRegistry makes the metrics by itself before the remembered changes grow without bound", async () => {
  const { late, change } = counted();
  let applied = 0;
  for (let i = 0; i < 1000; i++) change(() => applied++);

  while (applied === 0) await new Promise((resolve) => setImmediate(resolve));

  assertEquals(applied, 1000);
  assert((await late.open()).getSingleMetric("x_total") !== undefined);
});

/** A registry whose loads succeed only after `works()` was called, and how many there were. */
function unreadable() {
  let [loads, isReadable] = [0, false];
  const late = new LateRegistry(() => {
    loads++;
    return isReadable ? loadPromClient() : Promise.reject(new Error("Too many open files"));
  });
  const change = late.declare(({ Gauge }, registry) => new Gauge({ name: "x", help: "X.", registers: [registry] }));
  return { late, change, works: () => isReadable = true, loads: () => loads };
}

Deno.test("LateRegistry tries again after more changes when the metrics could not be made", async () => {
  const { change, works, loads } = unreadable();
  let applied = 0;
  for (let i = 0; i < 1999; i++) change(() => applied++);
  assertEquals([loads(), applied], [1, 0]);
  works();

  change(() => applied++);

  while (applied === 0) await new Promise((resolve) => setImmediate(resolve));
  assertEquals([loads(), applied], [2, 2000]);
});

Deno.test("LateRegistry remembers only the newest changes while the metrics cannot be made, and every declaration", async () => {
  const { late, change, works, loads } = unreadable();
  const seen: number[] = [];
  for (let i = 0; i < 50_000; i++) {
    change((gauge) => {
      gauge.set(i);
      seen.push(i);
    });
  }
  works();

  const registry = await late.open();

  assertEquals([seen.length, seen[0], seen.at(-1)], [10_000, 40_000, 49_999]);
  assertStringIncludes(await registry.metrics(), "x 49999\n");
  assertEquals(loads(), 51);
});
