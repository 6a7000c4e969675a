import { assertEquals, assertRejects } from "@std/assert";

import { EventLog } from "./event_log.ts";

const message = (method: string) => ({ jsonrpc: "2.0" as const, method });

async function replayed(log: EventLog, lastId: string): Promise<readonly unknown[]> {
  const sent: unknown[] = [];
  await log.replayEventsAfter(lastId, { send: (_id, event) => Promise.resolve(void sent.push(event)) });
  return sent;
}

Deno.test("replayEventsAfter() sends what came later on the same stream", async () => {
  const log = new EventLog(1000);
  const first = await log.storeEvent("a", message("one"));
  await log.storeEvent("b", message("other"));
  await log.storeEvent("a", message("two"));

  assertEquals(await log.getStreamIdForEventId(first), "a");
  assertEquals(await replayed(log, first), [message("two")]);
});

Deno.test("EventLog forgets the oldest messages when there are too many bytes", async () => {
  const log = new EventLog(100);
  const first = await log.storeEvent("a", message("x".repeat(40)));
  const second = await log.storeEvent("a", message("y".repeat(40)));

  assertEquals(await log.getStreamIdForEventId(first), undefined);
  assertEquals(await replayed(log, second), []);
  await assertRejects(() => log.replayEventsAfter(first, { send: () => Promise.resolve() }), RangeError, "not kept");
});
