import { assertEquals, assertStringIncludes } from "@std/assert";

import plugin from "./mod.ts";

const messages = (file: string, source: string) =>
  Deno.lint.runPlugin(plugin, file, source).filter((d) => d.id === "outpost/layers").map((d) => d.message);

Deno.test("layers refuses that core imports a plugin, whatever the form of the import", () => {
  for (
    const source of [
      `import x from "../plugins/a/mod.ts";`,
      `export { x } from "../plugins/a/mod.ts";`,
      `export * from "../plugins/a/mod.ts";`,
      `const x = await import("../plugins/a/mod.ts");`,
      `type X = import("../plugins/a/mod.ts").X;`,
    ]
  ) {
    const found = messages("core/agent.ts", source);

    assertEquals(found.length, 1, source);
    assertStringIncludes(found[0]!, `"core/agent.ts" must not import "plugins/a/mod.ts": core/ knows no feature`);
  }
});

Deno.test("layers lets a plugin import the core, itself and another plugin's service.ts", () => {
  const source = `
    import { HttpProblem } from "../../core/errors.ts";
    import { table } from "./table.ts";
    import type { PathActivity } from "../b/service.ts";
    import { z } from "zod";`;

  assertEquals(messages("plugins/a/plugin.ts", source), []);
});

Deno.test("layers refuses that a plugin imports another plugin's other files", () => {
  const found = messages("plugins/a/plugin.ts", `import { x } from "../b/table.ts";`);

  assertEquals(found.length, 1);
  assertStringIncludes(found[0]!, "through its service.ts");
});

Deno.test("layers keeps service.ts free of the plugin's own code", () => {
  assertEquals(messages("plugins/a/service.ts", `import { Table } from "./table.ts";`).length, 1);
  assertEquals(messages("plugins/a/service.ts", `import type { Other } from "../b/service.ts";`), []);
});

Deno.test("layers leaves the standard list, examples and tests free", () => {
  assertEquals(messages("plugins/standard.ts", `import a from "./a/mod.ts";`), []);
  assertEquals(messages("examples/custom_agent.ts", `import a from "../plugins/a/mod.ts";`), []);
  assertEquals(messages("test/e2e/a_test.ts", `import a from "../../plugins/a/table.ts";`), []);
});

Deno.test("layers refuses that the agent imports its tests, tools or entry file, and lets its unit tests do so", () => {
  assertEquals(messages("core/agent.ts", `import x from "../main.ts";`).length, 1);
  assertEquals(messages("plugins/a/plugin.ts", `import x from "../../test/fixtures/x.ts";`).length, 1);
  assertEquals(messages("plugins/a/plugin_test.ts", `import x from "../../test/fixtures/x.ts";`), []);
});

Deno.test("layers keeps a file with a leading underscore private to its folder", () => {
  assertEquals(messages("core/agent.ts", `import x from "./http/_queue.ts";`).length, 1);
  assertEquals(messages("core/http/front.ts", `import x from "./_queue.ts";`), []);
});

Deno.test("layers keeps the client free of the agent, which may import the client", () => {
  const source = `import { HttpProblem } from "../core/errors.ts";`;

  assertStringIncludes(messages("client/client.ts", source)[0]!, "the client runs where no agent does");
  assertEquals(messages("core/cli/commands/ps.ts", `import { x } from "../../../client/mod.ts";`), []);
});
