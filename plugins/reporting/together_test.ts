import { assertEquals, assertRejects } from "@std/assert";

import { LatestValue } from "../../core/latest_value.ts";
import { together, withLatest } from "./together.ts";

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

Deno.test("together() ends the others when one fails, and waits for them", async () => {
  const ended: string[] = [];

  await assertRejects(
    () =>
      together(
        new AbortController().signal,
        (signal) => untilAborted(signal).finally(() => ended.push("patient")),
        () => Promise.reject(new Error("broken")),
      ),
    Error,
    "broken",
  );

  assertEquals(ended, ["patient"]);
});

Deno.test("withLatest() runs for each different value, ending the work for the one before", async () => {
  const values = new LatestValue<number>();
  const log: string[] = [];
  const stop = new AbortController();
  const started = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  values.set(0);

  const running = withLatest((signal) => values.watch(signal), stop.signal, async (value, signal) => {
    log.push(`start ${value}`);
    started[value]!.resolve();
    await untilAborted(signal).finally(() => log.push(`end ${value}`));
  });
  await started[0]!.promise;
  values.set(0);
  values.set(1);
  await started[1]!.promise;
  stop.abort();
  await running;

  assertEquals(log, ["start 0", "end 0", "start 1", "end 1"]);
});

Deno.test("withLatest() fails with its work, and stops watching", async () => {
  const values = new LatestValue<number>();
  values.set(0);

  await assertRejects(
    () =>
      withLatest((signal) => values.watch(signal), new AbortController().signal, () => Promise.reject(new Error("x"))),
    Error,
    "x",
  );
});
