import { assertEquals } from "@std/assert";

import { VirtualClock } from "../testing/virtual_clock.ts";
import { Deadlines } from "./deadlines.ts";

function setUp(ms: number) {
  const clock = new VirtualClock();
  const expired: string[] = [];
  const began = clock.now();
  const deadlines = new Deadlines<string>({
    clock,
    ms,
    expire: (item) => expired.push(`${item} at ${clock.now() - began}`),
  });
  return { clock, deadlines, expired };
}

Deno.test("Deadlines expires each item after the limit, and none that was in time", async () => {
  const { clock, deadlines, expired } = setUp(100);

  deadlines.add("a");
  await clock.advance(40);
  deadlines.add("b");
  deadlines.add("c");
  await clock.advance(40);
  deadlines.delete("b");
  await clock.advance(1_000);

  assertEquals(expired, ["a at 100", "c at 140"]);
});

Deno.test("Deadlines needs one timer for any number of items, and none when it is released", async () => {
  const { clock, deadlines } = setUp(100);

  for (let index = 0; index < 1_000; index++) deadlines.add(String(index));
  assertEquals(clock.sleeping, 1);
  deadlines[Symbol.dispose]();
  await clock.advance(0);

  assertEquals(clock.sleeping, 0);
});

Deno.test("Deadlines takes no item after it was released", async () => {
  const { clock, deadlines, expired } = setUp(100);

  deadlines[Symbol.dispose]();
  deadlines.add("late");
  await clock.advance(1_000);

  assertEquals([expired, clock.sleeping], [[], 0]);
});

Deno.test("Deadlines begins anew after everything was done", async () => {
  const { clock, deadlines, expired } = setUp(100);

  deadlines.add("a");
  deadlines.delete("a");
  await clock.advance(500);
  deadlines.add("b");
  await clock.advance(100);

  assertEquals(expired, ["b at 600"]);
});
