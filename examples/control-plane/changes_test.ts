import { assertEquals } from "@std/assert";

import { Changes } from "./changes.ts";

Deno.test("watch() yields what was published between the call and the first step, each agent and kind once", async () => {
  const changes = new Changes();
  const leave = new AbortController();

  const watching = changes.watch(leave.signal);
  changes.publish("a", "logs");
  changes.publish("a", "logs");
  changes.publish("b", "logs");

  const { value } = await watching.next();
  assertEquals(value, [{ agentId: "a", kind: "logs" }, { agentId: "b", kind: "logs" }]);
  leave.abort();
  assertEquals((await watching.next()).done, true);
});

Deno.test("watch() ends when its signal aborts while it waits, and at once when it was aborted before", async () => {
  const changes = new Changes();
  const leave = new AbortController();
  const waiting = changes.watch(leave.signal).next();

  leave.abort();
  changes.publish("a", "logs");

  assertEquals((await waiting).done, true);
  assertEquals((await changes.watch(leave.signal).next()).done, true);
});
