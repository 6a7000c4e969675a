import { assertEquals, assertThrows } from "@std/assert";

import { formatDuration, parseDuration } from "./go_duration.ts";

Deno.test("parseDuration() reads every unit and their sums", () => {
  const texts = ["0", "30s", "5m", "1h30m", "500ms", "1.5m", ".5s", "+2s", "250µs", "250us", "1000000ns", "0s"];

  assertEquals(texts.map(parseDuration), [0, 30_000, 300_000, 5_400_000, 500, 90_000, 500, 2000, 0.25, 0.25, 1, 0]);
});

Deno.test("parseDuration() refuses what is no duration, or a negative one", () => {
  for (const text of ["", "10", "s", "1 s", "5 minutes", "-5s", "1h-5m", "1d", "NaNs"]) {
    assertThrows(() => parseDuration(text), SyntaxError, JSON.stringify(text));
  }
});

Deno.test("formatDuration() is short", () => {
  assertEquals([50, 999.6, 1000, 1500, 90_000].map(formatDuration), ["50ms", "1000ms", "1s", "1.5s", "90s"]);
});
