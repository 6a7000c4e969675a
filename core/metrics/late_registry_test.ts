import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { LateRegistry } from "./late_registry.ts";

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
