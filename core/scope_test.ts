import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";

import { PluginError, ScopeClosedError } from "./errors.ts";
import { currentOwner } from "./owner.ts";
import { Scope } from "./scope.ts";

function openScope() {
  const charged: unknown[] = [];
  return { scope: new Scope("p", (error) => charged.push(error)), charged };
}

Deno.test("Scope.release() releases newest first, whatever kind of resource it is", async () => {
  const { scope } = openScope();
  const released: string[] = [];
  scope.defer(() => void released.push("function"));
  scope.defer({ [Symbol.dispose]: () => void released.push("disposable") });
  scope.defer({ [Symbol.asyncDispose]: () => Promise.resolve(void released.push("async disposable")) });

  await scope.release("test");

  assertEquals(released, ["async disposable", "disposable", "function"]);
});

Deno.test("Scope.release() goes on after an error and reports all of them", async () => {
  const { scope } = openScope();
  let last = false;
  scope.defer(() => void (last = true));
  scope.defer(() => Promise.reject(new Error("first")));
  scope.defer(() => {
    throw new Error("second");
  });

  const error = await assertRejects(() => scope.release("test"), PluginError, 'Plugin "p" failed in stop');

  assert(last);
  assert(error.cause instanceof SuppressedError);
});

Deno.test("Scope.release() releases once, however often it is called", async () => {
  const { scope } = openScope();
  let times = 0;
  scope.defer(() => void times++);

  await Promise.all([scope.release("one"), scope.release("two")]);

  assertEquals(times, 1);
});

Deno.test("Scope.close() aborts the signal with the reason and refuses registrations", () => {
  const { scope } = openScope();

  scope.close("reload");

  assertEquals(scope.signal.reason, "reload");
  assertThrows(() => scope.assertOpen("add a route"), ScopeClosedError, 'Cannot add a route: plugin "p" is stopped');
});

Deno.test("Scope.defer() releases a resource that comes too late instead of leaking it", async () => {
  const { scope } = openScope();
  await scope.release("test");
  const released = Promise.withResolvers<void>();

  assertThrows(() => scope.defer(() => released.resolve()), ScopeClosedError);

  await released.promise;
});

Deno.test("Scope.enter() runs code as the plugin, also after an await", async () => {
  const { scope } = openScope();

  const owner = await scope.enter("setup", async () => {
    await Promise.resolve();
    return currentOwner();
  });

  assertEquals([owner?.plugin, owner?.phase], ["p", "setup"]);
  assertEquals(currentOwner(), undefined);
});
