import { assertEquals } from "@std/assert";

import { VirtualClock } from "../testing/virtual_clock.ts";
import { Deadlines } from "./deadlines.ts";

Deno.test("watch() calls back once for each deadline that passes, in whatever order they were set", async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const passed: string[] = [];
  deadlines.watch(300, () => passed.push("late"));
  deadlines.watch(100, () => passed.push("early"));
  deadlines.watch(Infinity, () => passed.push("never"));

  await clock.advance(99);
  assertEquals(passed, []);
  await clock.advance(1);
  assertEquals(passed, ["early"]);
  await clock.advance(1_000_000);
  assertEquals(passed, ["early", "late"]);
  deadlines.close();
});

Deno.test("watch() keeps one timer however many deadlines there are, and none after close()", async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);

  for (let ms = 1_000; ms > 0; ms--) deadlines.watch(ms, () => {});
  await clock.advance(0);
  assertEquals(clock.sleeping, 1);
  deadlines.close();
  await clock.advance(0);
  assertEquals(clock.sleeping, 0);
});

Deno.test("forget() drops a deadline that was met and leaves the others", async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const passed: string[] = [];
  const met = deadlines.watch(100, () => passed.push("met"));
  deadlines.watch(200, () => passed.push("missed"));

  deadlines.forget(met);
  await clock.advance(500);
  assertEquals(passed, ["missed"]);

  deadlines.watch(100, () => passed.push("later"));
  await clock.advance(100);
  assertEquals(passed, ["missed", "later"]);
  deadlines.close();
});
