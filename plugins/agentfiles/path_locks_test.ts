import { assertEquals, assertRejects } from "@std/assert";

import { PathLocks } from "./path_locks.ts";

Deno.test("hold() lets one in at a time, in order of arrival", async () => {
  const locks = new PathLocks();
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} in`);
    await Promise.resolve();
    order.push(`${name} out`);
  };

  await Promise.all([
    locks.hold(["/a"], work("1")),
    locks.hold(["/a", "/b"], work("2")),
    locks.hold(["/b"], work("3")),
  ]);

  assertEquals(order, ["1 in", "1 out", "2 in", "2 out", "3 in", "3 out"]);
});

Deno.test("hold() lets different paths run at the same time", async () => {
  const locks = new PathLocks();
  const { promise, resolve } = Promise.withResolvers<void>();

  const waiting = locks.hold(["/a"], () => promise);
  await locks.hold(["/b"], () => Promise.resolve(resolve()));

  await waiting;
});

Deno.test("hold() cannot lock up when two calls name the same paths in another order", async () => {
  const locks = new PathLocks();

  await Promise.all([
    locks.hold(["/a", "/b"], () => Promise.resolve()),
    locks.hold(["/b", "/a", "/b"], () => Promise.resolve()),
  ]);

  assertEquals(locks.size, 0);
});

Deno.test("hold() goes on behind work that failed, and keeps nothing", async () => {
  const locks = new PathLocks();

  await assertRejects(() => locks.hold(["/a"], () => Promise.reject(new Error("boom"))), Error, "boom");

  assertEquals(await locks.hold(["/a"], () => Promise.resolve(1)), 1);
  assertEquals(locks.size, 0);
});
