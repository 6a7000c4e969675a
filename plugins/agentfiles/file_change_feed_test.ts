import { assertEquals } from "@std/assert";

import { FileChangeFeed } from "./file_change_feed.ts";
import type { FileChange } from "./service.ts";

function change(bytes: number): FileChange {
  return { kind: "write", requestPath: "/a", path: "/a", created: false, bytes, at: 0, chatIds: [] };
}

Deno.test("watch() yields every change from the call on, also before the first read", async () => {
  using feed = new FileChangeFeed();
  const stop = new AbortController();
  feed.publish(change(0));

  const events = feed.watch(stop.signal);
  feed.publish(change(1));
  feed.publish(change(2));
  stop.abort();

  assertEquals((await Array.fromAsync(events)).map((event) => event.type === "change" && event.change.bytes), [1, 2]);
});

Deno.test("watch() wakes a reader that waits", async () => {
  using feed = new FileChangeFeed();
  const events = feed.watch(new AbortController().signal)[Symbol.asyncIterator]();

  const next = events.next();
  feed.publish(change(7));

  assertEquals((await next).value, { type: "change", change: change(7) });
  await events.return?.();
});

Deno.test("watch() tells a slow reader how many changes it missed, where it missed them", async () => {
  using feed = new FileChangeFeed();
  const stop = new AbortController();
  const events = feed.watch(stop.signal);

  for (let index = 0; index < 1030; index++) feed.publish(change(index));
  stop.abort();

  const seen = await Array.fromAsync(events);
  assertEquals(seen.length, 1025);
  assertEquals(seen.at(-1), { type: "missed", count: 6 });
});

Deno.test("watch() ends for everybody when the feed is disposed", async () => {
  const feed = new FileChangeFeed();
  const waiting = Array.fromAsync(feed.watch(new AbortController().signal));

  feed[Symbol.dispose]();

  assertEquals(await waiting, []);
  assertEquals(await Array.fromAsync(feed.watch(new AbortController().signal)), []);
});

Deno.test("watch() with an aborted signal yields nothing", async () => {
  using feed = new FileChangeFeed();

  assertEquals(await Array.fromAsync(feed.watch(AbortSignal.abort())), []);
});
