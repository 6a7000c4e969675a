import { assertEquals } from "@std/assert";

import plugin from "./mod.ts";

const ids = (file: string, source: string) => Deno.lint.runPlugin(plugin, file, source).map((d) => d.id);

const SLEEPS = [
  `await delay(10);`,
  `await new Promise((done) => setTimeout(done, 10));`,
  `globalThis.setInterval(() => {}, 10);`,
  `await systemClock.sleep(10);`,
];

for (const source of SLEEPS) {
  Deno.test(`no-sleep refuses ${source} in a test`, () => {
    assertEquals(ids("core/a_test.ts", source), ["outpost/no-sleep"]);
    assertEquals(ids("test/e2e/agent.ts", source), ["outpost/no-sleep"]);
  });
}

Deno.test("no-sleep leaves other files, benchmarks and virtual clocks alone", () => {
  for (const file of ["core/a.ts", "test/bench/a_bench.ts"]) assertEquals(ids(file, SLEEPS.join("\n")), [], file);
  assertEquals(ids("core/a_test.ts", `await clock.sleep(10); agent.clock.advance(10);`), []);
});

Deno.test("no-sleep can be ignored with a reason, and only with one", () => {
  const ignored = (reason: string) => `// deno-lint-ignore outpost/no-sleep${reason}\nawait delay(10);\n`;

  assertEquals(ids("core/a_test.ts", ignored(" -- time is the subject")).includes("outpost/ignore-reason"), false);
  assertEquals(ids("core/a_test.ts", ignored("")).includes("outpost/ignore-reason"), true);
});
