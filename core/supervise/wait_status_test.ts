import { assertEquals } from "@std/assert";

import { endOf, exitCodeFor } from "./wait_status.ts";

/** wait(2) on Linux: the code in the second byte, the signal in the lowest seven bits, and above them whether a core was written. */
const CORE_WRITTEN = 0x80;

Deno.test("endOf() tells exit codes from signals", () => {
  for (const code of [0, 1, 42, 255]) assertEquals(endOf(code << 8), { code });
  for (const signal of [9, 15, 64]) assertEquals(endOf(signal), { signal });
  assertEquals(endOf(11 | CORE_WRITTEN), { signal: 11 });
});

Deno.test("exitCodeFor() is the code, or 128 and the signal, as shells say it", () => {
  assertEquals(exitCodeFor({ code: 42 }), 42);
  assertEquals(exitCodeFor({ signal: 9 }), 137);
});
