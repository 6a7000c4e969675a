import { assertEquals, assertRejects } from "@std/assert";

import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { ticks } from "./ticks.ts";

Deno.test("ticks() keeps its pace, follows slow work at once, and makes up for nothing", async () => {
  const clock = new VirtualClock(0);
  const stop = new AbortController();
  const seen: number[] = [];
  let workMs = [0, 4, 25, 0, 0];

  const running = (async () => {
    for await (const _ of ticks(clock, () => 10, stop.signal)) {
      seen.push(clock.now());
      const [now = 0, ...later] = workMs;
      workMs = later;
      if (now > 0) await clock.sleep(now);
    }
  })();
  await clock.advance(79);
  stop.abort(new Error("enough"));

  await assertRejects(() => running, Error, "enough");
  assertEquals(seen, [10, 20, 30, 55, 65, 75]);
});

Deno.test("ticks() asks for its interval before each wait", async () => {
  const clock = new VirtualClock(0);
  const stop = new AbortController();
  const seen: number[] = [];
  let intervalMs = 10;

  const running = (async () => {
    for await (const _ of ticks(clock, () => intervalMs, stop.signal)) {
      seen.push(clock.now());
      intervalMs = 30;
    }
  })();
  await clock.advance(75);
  stop.abort();
  await running.catch(() => {});

  assertEquals(seen, [10, 40, 70]);
});

for (const jumpMs of [-3_600_000, 3_600_000]) {
  Deno.test(`ticks() goes on at its pace when the machine's clock is set by ${jumpMs} ms`, async () => {
    const clock = new VirtualClock(0);
    const stop = new AbortController();
    const seen: number[] = [];
    const running = (async () => {
      for await (const _ of ticks(clock, () => 10, stop.signal)) seen.push(clock.elapsed());
    })();
    await clock.advance(15);

    clock.jump(jumpMs);
    await clock.advance(20);
    stop.abort();

    await assertRejects(() => running);
    assertEquals(seen, [10, 20, 30]);
  });
}
