import { assertEquals } from "@std/assert";

import { aborted } from "./aborted.ts";

Deno.test("aborted() resolves when the signal is aborted, also when it was before", async () => {
  const seen: string[] = [];
  const later = new AbortController();
  const waiting = aborted(later.signal).then(() => seen.push("later"));
  await aborted(AbortSignal.abort());
  seen.push("before");

  later.abort();
  await waiting;

  assertEquals(seen, ["before", "later"]);
});
