import { assertEquals } from "@std/assert";

import { isBefore } from "./version_order.ts";

Deno.test("isBefore() compares numbers, not digits, and leaves pre-release tags out", () => {
  const before = [["2.4.2", "2.9.0"], ["2.9.6", "2.10.0"], ["1.9", "1.9.1"], ["2.8.9-rc.1", "2.9.0"]] as const;
  const notBefore = [["2.9.0", "2.9.0"], ["2.10.0", "2.9.6"], ["3.0.0", "2.9.0"], ["2.9.0-rc.1", "2.9.0"]] as const;

  assertEquals(before.map(([version, other]) => isBefore(version, other)), before.map(() => true));
  assertEquals(notBefore.map(([version, other]) => isBefore(version, other)), notBefore.map(() => false));
});
