import { assertEquals, assertStringIncludes } from "@std/assert";

import plugin from "./mod.ts";

const messages = (file: string, source: string) =>
  Deno.lint.runPlugin(plugin, file, source).filter((d) => d.id === "outpost/use-context").map((d) => d.message);

const FORBIDDEN = [
  `console.log("x");`,
  `Deno.env.get("HOME");`,
  `Deno["env"].get("HOME");`,
  `const { env } = Deno;`,
  `Deno.serve(() => new Response());`,
  `new Deno.Command("true");`,
  `setTimeout(() => {}, 1);`,
  `globalThis.setInterval(() => {}, 1);`,
  `Deno.exit(1);`,
  `import { spawn } from "node:child_process";`,
];

for (const source of FORBIDDEN) {
  Deno.test(`use-context refuses ${source} in a plugin and says what to use`, () => {
    const found = messages("plugins/a/plugin.ts", source);

    assertEquals(found.length, 1);
    assertStringIncludes(found[0]!, "A plugin does not use ");
    assertStringIncludes(found[0]!, ": use ");
  });
}

Deno.test("use-context leaves the core, a plugin's tests and its testdata alone", () => {
  for (const file of ["core/agent.ts", "plugins/a/plugin_test.ts", "plugins/a/testdata/child.ts"]) {
    assertEquals(messages(file, FORBIDDEN.join("\n")), [], file);
  }
});

Deno.test("use-context allows fetch, other members of Deno and methods of the same name", () => {
  const source = `await fetch("http://127.0.0.1"); await Deno.stat("."); clock.setTimeout(1); ctx.console.log("x");`;

  assertEquals(messages("plugins/a/plugin.ts", source), []);
});
