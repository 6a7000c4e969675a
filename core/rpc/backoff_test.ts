import { assertEquals } from "@std/assert";

import { Backoff } from "./backoff.ts";

Deno.test("Backoff.next() grows from the floor to the ceiling and reset() begins again", () => {
  const backoff = new Backoff({ random: () => 0 });

  const pauses = Array.from({ length: 12 }, () => Math.round(backoff.next()));
  backoff.reset();

  assertEquals(pauses, [100, 162, 262, 424, 685, 1109, 1794, 2903, 4697, 7600, 10_000, 10_000]);
  assertEquals(backoff.next(), 100);
});

Deno.test("Backoff.next() shortens a pause by up to half, at random", () => {
  assertEquals(new Backoff({ random: () => 1 }).next(), 50);
  assertEquals(new Backoff({ random: () => 0.5 }).next(), 75);
});
