import { assertEquals } from "@std/assert";

import { costOf, isLonger, SocketQueue } from "./socket_queue.ts";

Deno.test("SocketQueue hands messages to readers in order, whoever comes first", async () => {
  const queue = new SocketQueue();
  queue.push("a");
  const read = [queue.next(), queue.next()];
  queue.push("b");

  assertEquals((await Promise.all(read)).map(({ value }) => value), ["a", "b"]);
  assertEquals(queue.bytes, 0);
});

Deno.test("SocketQueue charges for empty messages too", () => {
  const queue = new SocketQueue();

  for (let count = 0; count < 1000; count++) queue.push("");

  assertEquals(queue.bytes, 1000 * costOf(""));
  assertEquals(queue.bytes > 0, true);
});

Deno.test("SocketQueue.close() ends waiting readers, and keeps or drops what nobody has read", async () => {
  const kept = new SocketQueue();
  kept.push("last words");
  kept.close(false);
  kept.push("too late");
  assertEquals(await kept.next(), { value: "last words", done: false });
  assertEquals((await kept.next()).done, true);

  const dropped = new SocketQueue();
  dropped.push("x");
  dropped.close(true);
  assertEquals([(await dropped.next()).done, dropped.bytes], [true, 0]);

  const waiting = new SocketQueue();
  const reader = waiting.next();
  waiting.close(false);
  assertEquals((await reader).done, true);
});

Deno.test("isLonger() counts text in UTF-8 bytes", () => {
  assertEquals([isLonger("ab", 2), isLonger("abc", 2)], [false, true]);
  assertEquals([isLonger("ü", 2), isLonger("üü", 3), isLonger("€", 2), isLonger("😀", 4)], [false, true, true, false]);
  assertEquals([isLonger(new Uint8Array(3), 3), isLonger(new Uint8Array(4), 3)], [false, true]);
});
