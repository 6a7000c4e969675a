import { assertEquals } from "@std/assert";

import plugin from "./mod.ts";

const count = (file: string, source: string) =>
  Deno.lint.runPlugin(plugin, file, source).filter((d) => d.id === "outpost/child-environment").length;

Deno.test("child-environment refuses the agent's environment as a child's, alone or spread", () => {
  assertEquals(count("core/exec/spawn.ts", `run({ env: Deno.env.toObject() });`), 1);
  assertEquals(count("plugins/a/b.ts", `run({ "env": { ...Deno.env.toObject(), A: "1" } });`), 1);
});

Deno.test("child-environment allows reading the environment, the builder, and tests", () => {
  assertEquals(count("core/config.ts", `const all = Deno.env.toObject();`), 0);
  assertEquals(count("core/environment.ts", `const layers = { env: Deno.env.toObject() };`), 0);
  assertEquals(count("core/exec/spawn_test.ts", `run({ env: Deno.env.toObject() });`), 0);
});
