import { assertEquals, assertRejects } from "@std/assert";

import { LoadedLate } from "./loaded_late.ts";

Deno.test("use() loads once for everybody, and present() loads nothing", async () => {
  let loads = 0;
  const late = new LoadedLate(() => Promise.resolve(++loads));

  assertEquals(await late.present(), undefined);
  assertEquals(await Promise.all([late.use(), late.use()]), [1, 1]);
  assertEquals([await late.use(), await late.present()], [1, 1]);
});

Deno.test("use() tries again after a failure, and present() does not throw it", async () => {
  let loads = 0;
  const late = new LoadedLate(() =>
    ++loads === 1 ? Promise.reject(new Error("no descriptor")) : Promise.resolve(loads)
  );

  const [failed, present] = [late.use(), late.present()];
  await assertRejects(() => failed, Error, "no descriptor");

  assertEquals([await present, await late.present()], [undefined, undefined]);
  assertEquals(await late.use(), 2);
});

Deno.test("use() rejects when the load throws at once, and tries again", async () => {
  let loads = 0;
  const late = new LoadedLate((): Promise<number> => {
    if (++loads === 1) throw new Error("at once");
    return Promise.resolve(loads);
  });

  await assertRejects(() => late.use(), Error, "at once");

  assertEquals(await late.use(), 2);
});
