// deno-lint-ignore-file outpost/no-sleep -- the real clock is the subject; nothing here waits longer than a millisecond
import { assertEquals, assertRejects } from "@std/assert";

import { elapsedOn, systemClock } from "./clock.ts";

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

Deno.test("elapsedOn() does not jump when the machine's clock is set, and falls back on a clock that cannot jump", () => {
  let wall = 1_000_000;
  const clock = { now: () => wall, elapsed: () => 5 };

  wall += 86_400_000;

  assertEquals(elapsedOn(clock), 5);
  assertEquals(elapsedOn({ now: () => 7 }), 7);
});
