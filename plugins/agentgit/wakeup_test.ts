import { assertEquals, assertRejects } from "@std/assert";

import { VirtualClock } from "../../core/testing/mod.ts";
import { Wakeup } from "./wakeup.ts";

Deno.test("wait() returns at once for a call that came before it, once for any number of calls", async () => {
  const wakeup = new Wakeup();
  const clock = new VirtualClock();
  for (let i = 0; i < 3; i++) wakeup.call();

  const first = await wakeup.wait(clock, 1000, new AbortController().signal);
  const second = wakeup.wait(clock, 1000, new AbortController().signal);
  await clock.untilSleeping();
  await clock.advance(1000);

  assertEquals([first, await second], [true, false]);
});

Deno.test("wait() is ended by a call and leaves no timer", async () => {
  const wakeup = new Wakeup();
  const clock = new VirtualClock();
  const waiting = wakeup.wait(clock, 1000, new AbortController().signal);

  wakeup.call();

  assertEquals([await waiting, clock.sleeping], [true, 0]);
});

Deno.test("wait() rejects when aborted, before or during the wait", async () => {
  const wakeup = new Wakeup();
  const clock = new VirtualClock();
  const controller = new AbortController();
  const waiting = wakeup.wait(clock, undefined, controller.signal);

  controller.abort(new RangeError("enough"));

  await assertRejects(() => waiting, RangeError, "enough");
  await assertRejects(() => wakeup.wait(clock, 1, controller.signal), RangeError, "enough");
  assertEquals(clock.sleeping, 0);
});
