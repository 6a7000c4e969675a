import { assertEquals } from "@std/assert";

import { Waiters } from "./waiters.ts";

Deno.test("Waiters.wake() wakes those who wait now, and nobody who comes later", async () => {
  const waiters = new Waiters();
  const open = new AbortController();
  const woken: string[] = [];
  const early = waiters.wait(open.signal).then(() => woken.push("early"));

  waiters.wake();
  const late = waiters.wait(open.signal).then(() => woken.push("late"));
  await early;

  assertEquals(woken, ["early"]);
  open.abort();
  await late;
});

Deno.test("Waiters.wait() ends with its signal, also one that was aborted before", async () => {
  const gone = new AbortController();
  const waiting = new Waiters().wait(gone.signal);

  gone.abort();

  await waiting;
  await new Waiters().wait(gone.signal);
});
