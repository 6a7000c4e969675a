import { assertEquals } from "@std/assert";

import { inOrder } from "./in_order.ts";

Deno.test("inOrder() runs a step after those it waits for, and unrelated ones at once", async () => {
  const waits: Record<string, string[]> = { top: ["middle"], middle: ["base"], base: [], other: [] };
  const begun: string[] = [];
  const gate = Promise.withResolvers<void>();

  const all = inOrder(Object.keys(waits), (id) => waits[id] ?? [], async (id) => {
    begun.push(id);
    if (id === "base") await gate.promise;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(begun, ["base", "other"]);
  gate.resolve();
  await all;

  assertEquals(begun, ["base", "other", "middle", "top"]);
});

Deno.test("inOrder() does not wait for ids that are not listed", async () => {
  const begun: string[] = [];

  await inOrder(["a"], () => ["absent"], (id) => Promise.resolve(void begun.push(id)));

  assertEquals(begun, ["a"]);
});
