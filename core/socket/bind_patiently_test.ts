import { assertEquals, assertRejects } from "@std/assert";

import { bindPatiently } from "./bind_patiently.ts";

const TAKEN = () => new Deno.errors.AddrInUse("Address already in use");

Deno.test("bindPatiently() has the port as soon as it is let go", async () => {
  let attempts = 0;
  const bound = await bindPatiently(() => {
    if (++attempts < 3) throw TAKEN();
    return "a listener";
  }, { patienceMs: 60_000 });

  assertEquals([bound, attempts], ["a listener", 3]);
});

Deno.test("bindPatiently() says in the end that the port is taken, after more than one attempt", async () => {
  let attempts = 0;
  const binding = bindPatiently(() => {
    attempts++;
    throw TAKEN();
  }, { patienceMs: 1 });
  assertEquals(attempts, 1);

  await assertRejects(() => binding, Deno.errors.AddrInUse, "already in use");

  assertEquals(attempts, 2);
});

Deno.test("bindPatiently() tries once what fails for another reason, and no more once it is told to stop", async () => {
  let attempts = 0;
  const denied = () => {
    attempts++;
    throw new Deno.errors.PermissionDenied("not below 1024");
  };
  await assertRejects(() => bindPatiently(denied), Deno.errors.PermissionDenied);
  assertEquals(attempts, 1);

  const stop = new AbortController();
  const binding = bindPatiently(() => {
    attempts++;
    throw TAKEN();
  }, { signal: stop.signal, patienceMs: 60_000 });
  stop.abort(new Error("it is stopping"));
  await assertRejects(() => binding, Error, "it is stopping");
  assertEquals(attempts, 2);
});
