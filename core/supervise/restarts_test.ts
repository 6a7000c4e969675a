import { assert, assertEquals } from "@std/assert";

import { Restarts } from "./restarts.ts";

const CRASH = { signal: 11 };
const MINUTE_MS = 60_000;

Deno.test("Restarts pauses longer after each crash, up to a minute", () => {
  const restarts = new Restarts(() => 0);

  const pauses = Array.from({ length: 12 }, () => restarts.pauseAfter(CRASH, 0)!);

  assertEquals(pauses.slice(0, 3), [1000, 1618, 2618]);
  assertEquals(pauses.at(-1), MINUTE_MS);
});

Deno.test("Restarts begins with the shortest pause again after a life that was long enough", () => {
  const restarts = new Restarts(() => 0);
  for (let crashes = 0; crashes < 5; crashes++) restarts.pauseAfter(CRASH, 0);

  assert(restarts.pauseAfter(CRASH, 4 * MINUTE_MS)! > 1000);
  assertEquals(restarts.pauseAfter(CRASH, 5 * MINUTE_MS), 1000);
});

Deno.test("Restarts starts no agent again that ended as asked or was set up wrongly", () => {
  const restarts = new Restarts();

  assertEquals([0, 2].map((code) => restarts.pauseAfter({ code }, 0)), [undefined, undefined]);
  assert(restarts.pauseAfter({ code: 1 }, 0) !== undefined);
});
