import { assertEquals } from "@std/assert";

import { type InvocationFacts, invocationOf } from "./invocation.ts";

const facts: InvocationFacts = {
  isCompiled: false,
  executable: "/usr/bin/deno",
  mainModule: "file:///home/me/outpost/main.ts",
  cwd: "/home/me/outpost",
  denoVersion: "2.9.6",
};

Deno.test("invocationOf() is the name of a compiled binary", () => {
  assertEquals(invocationOf({ ...facts, isCompiled: true, executable: "/usr/bin/outpost" }), "outpost");
});

Deno.test("invocationOf() is the task in the project's directory", () => {
  assertEquals(invocationOf(facts), "deno task -q outpost");
});

Deno.test("invocationOf() is the whole line elsewhere", () => {
  assertEquals(invocationOf({ ...facts, cwd: "/" }), "deno run -A /home/me/outpost/main.ts");
  assertEquals(invocationOf({ ...facts, mainModule: "https://x/main.ts" }), "deno run -A https://x/main.ts");
});

Deno.test("invocationOf() brings Deno along where it came from npx", () => {
  const executable = "/home/me/.npm/_npx/0a1b/node_modules/@deno/linux-x64-glibc/deno";

  assertEquals(invocationOf({ ...facts, executable }), "npx -y deno@2.9.6 task -q outpost");
});
