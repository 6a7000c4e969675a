import { assertEquals, assertRejects } from "@std/assert";

import { VirtualClock } from "./virtual_clock.ts";

Deno.test("VirtualClock.advance() wakes sleepers in the order of their times and lets each run first", async () => {
  const clock = new VirtualClock(0);
  const seen: [string, number][] = [];
  const sleeper = async (name: string, ms: number) => {
    await clock.sleep(ms);
    seen.push([name, clock.now()]);
  };
  void sleeper("second", 20).then(() => sleeper("chained", 5));
  void sleeper("first", 10);

  await clock.advance(30);

  assertEquals(seen, [["first", 10], ["second", 20], ["chained", 25]]);
  assertEquals(clock.now(), 30);
});

Deno.test("VirtualClock.sleep() rejects with the reason when aborted", async () => {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const sleeping = clock.sleep(10, abort.signal);

  abort.abort(new Error("enough"));

  await assertRejects(() => sleeping, Error, "enough");
  await assertRejects(() => clock.sleep(1, abort.signal), Error, "enough");
  assertEquals(clock.sleeping, 0);
});

Deno.test("VirtualClock.untilSleeping() resolves when enough sleeps wait", async () => {
  const clock = new VirtualClock();
  const waited = clock.untilSleeping(2);

  void clock.sleep(1);
  void clock.sleep(1);

  await waited;
  await clock.advance(1);
  assertEquals(clock.sleeping, 0);
});

Deno.test("VirtualClock.now() is a whole number, whatever somebody slept", async () => {
  const clock = new VirtualClock(0);
  const woken = clock.sleep(1.5).then(() => clock.now());

  await clock.advance(10);

  assertEquals(await woken, 2);
});

Deno.test("VirtualClock.jump() sets the machine's clock, and neither wakes sleepers nor moves elapsed()", async () => {
  const clock = new VirtualClock(0);
  let isAwake = false;
  void clock.sleep(10).then(() => isAwake = true);

  clock.jump(-3_600_000);
  assertEquals([clock.now(), clock.elapsed(), isAwake], [-3_600_000, 0, false]);
  await clock.advance(10);

  assertEquals([clock.now(), clock.elapsed(), isAwake], [-3_599_990, 10, true]);
});
