import { assertEquals, assertThrows } from "@std/assert";

import { durationMs } from "./duration.ts";

Deno.test("durationMs() reads what people type", () => {
  assertEquals(["5m", "1h30m", "1.5s", "250ms", "0", "1m30s"].map(durationMs), [
    300_000,
    5_400_000,
    1500,
    250,
    0,
    90_000,
  ]);
});

Deno.test("durationMs() refuses everything else", () => {
  for (const text of ["", "5", "m", "5 m", "-5m", "5m3", "1d", "5M"]) assertThrows(() => durationMs(text), SyntaxError);
});
