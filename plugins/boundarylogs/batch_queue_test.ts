import { assertEquals } from "@std/assert";

import { BatchQueue } from "./batch_queue.ts";

Deno.test("BatchQueue keeps order and refuses what is over its limit", () => {
  const queue = new BatchQueue<number>(2);

  assertEquals([queue.offer(1), queue.offer(2), queue.offer(3)], [true, true, false]);

  assertEquals([queue.take(), queue.take(), queue.take()], [1, 2, undefined]);
});

Deno.test("BatchQueue puts one back in front, also when it is full", () => {
  const queue = new BatchQueue<number>(1);
  queue.offer(2);

  queue.putBack(1);

  assertEquals([queue.size, queue.clear(), queue.size], [2, [1, 2], 0]);
});

Deno.test("arrival() resolves when something is there, comes, somebody wakes it, or the signal is aborted", async () => {
  const queue = new BatchQueue<number>(1);
  const abort = new AbortController();

  const coming = queue.arrival(abort.signal);
  queue.offer(1);
  await coming;
  await queue.arrival(abort.signal);
  queue.take();
  const woken = queue.arrival(abort.signal);
  queue.wake();
  await woken;
  const never = queue.arrival(abort.signal);
  abort.abort();
  await never;
  await queue.arrival(abort.signal);

  assertEquals(queue.size, 0);
});
