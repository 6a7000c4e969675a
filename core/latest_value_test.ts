import { assertEquals } from "@std/assert";

import { LatestValue } from "./latest_value.ts";

Deno.test("LatestValue.watch() yields a value set between the first read and the next", async () => {
  const value = new LatestValue<number>();
  value.set(1);
  const watch = value.watch(new AbortController().signal);

  assertEquals((await watch.next()).value, 1);
  value.set(2);
  value.set(3);

  assertEquals((await watch.next()).value, 3);
  await watch.return();
});

Deno.test("LatestValue.watch() waits for the first value and ends with its signal", async () => {
  const value = new LatestValue<string>();
  const abort = new AbortController();
  const watch = value.watch(abort.signal);

  const first = watch.next();
  value.set("a");
  assertEquals((await first).value, "a");
  const second = watch.next();
  abort.abort();

  assertEquals((await second).done, true);
});

Deno.test("LatestValue.close() ends every watch", async () => {
  const value = new LatestValue<string>();
  const watches = [value.watch(new AbortController().signal), value.watch(new AbortController().signal)];
  const ends = watches.map((watch) => watch.next());

  value.close();

  assertEquals((await Promise.all(ends)).map(({ done }) => done), [true, true]);
});
