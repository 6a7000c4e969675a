import { assertEquals } from "@std/assert";

import { type EndSignal, exitCodeOf } from "./end_signal.ts";

Deno.test("exitCodeOf() is what shells report", () => {
  const signals: readonly EndSignal[] = ["SIGHUP", "SIGINT", "SIGTERM"];

  assertEquals(signals.map(exitCodeOf), [129, 130, 143]);
});
