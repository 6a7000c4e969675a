// deno-lint-ignore-file outpost/no-sleep -- the real clock is the subject; nothing here waits longer than a millisecond
import { assertEquals, assertRejects } from "@std/assert";

import { systemClock } from "./clock.ts";

Deno.test("systemClock.sleep() leaves no timer behind when aborted", async () => {
  const abort = new AbortController();
  const sleeping = systemClock.sleep(1e12, abort.signal);

  abort.abort(new Error("enough"));

  await assertRejects(() => sleeping, Error, "enough");
});

Deno.test("systemClock.sleep() rejects at once when the signal is aborted already", async () => {
  await assertRejects(() => systemClock.sleep(0, AbortSignal.abort(new Error("before"))), Error, "before");
});

Deno.test("systemClock.sleep() resolves", async () => {
  const before = systemClock.now();

  await systemClock.sleep(1);

  assertEquals(systemClock.now() >= before, true);
});
