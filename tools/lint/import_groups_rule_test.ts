import { assert, assertEquals } from "@std/assert";

import plugin from "./mod.ts";

const findings = (source: string) =>
  Deno.lint.runPlugin(plugin, "core/x.ts", source).filter((d) => d.id === "outpost/import-groups");

function repaired(source: string): string {
  const [finding] = findings(source);
  const [fix] = finding?.fix ?? [];
  assert(fix, "a repair was expected");
  return source.slice(0, fix.range[0]) + fix.text + source.slice(fix.range[1]);
}

const ORDERED = `/** Head. @module */
import { join } from "@std/path";
import process from "node:process";

import { z } from "zod";

import { x } from "./x.ts";
import type { y } from "../y.ts";

x();
import { late } from "zod";
`;

Deno.test("import-groups is content with platform, third party and ours, one blank line between", () => {
  assertEquals(findings(ORDERED), []);
  assertEquals(findings(`import { x } from "./x.ts";\n`), []);
  assertEquals(findings("export {};\n"), []);
});

Deno.test("import-groups puts groups in order without touching the order inside a group", () => {
  const source = `import { x } from "./x.ts";
import { z } from "zod";
import type { y } from "../y.ts";
import { join } from "@std/path";

x();
`;

  assertEquals(
    repaired(source),
    `import { join } from "@std/path";

import { z } from "zod";

import { x } from "./x.ts";
import type { y } from "../y.ts";

x();
`,
  );
});

Deno.test("import-groups adds a missing blank line between groups and removes one inside a group", () => {
  assertEquals(
    repaired(`import { z } from "zod";\nimport { x } from "./x.ts";\n`),
    `import { z } from "zod";\n\nimport { x } from "./x.ts";\n`,
  );
  assertEquals(
    repaired(`import { a } from "./a.ts";\n\nimport { b } from "./b.ts";\n`),
    `import { a } from "./a.ts";\nimport { b } from "./b.ts";\n`,
  );
});

Deno.test("import-groups repairs a file with characters outside ASCII before the imports", () => {
  assertEquals(
    repaired(`/** Größe → 🙂 */\nimport { z } from "zod";\nimport { x } from "./x.ts";\n`),
    `/** Größe → 🙂 */\nimport { z } from "zod";\n\nimport { x } from "./x.ts";\n`,
  );
});

Deno.test("import-groups reports but does not move imports that carry comments", () => {
  const between = `import { x } from "./x.ts";\n// why zod\nimport { z } from "zod";\n`;
  const above = `// deno-lint-ignore no-external-import\nimport { x } from "./x.ts";\nimport { z } from "zod";\n`;

  for (const source of [between, above]) {
    assertEquals(findings(source).length, 1);
    assertEquals(findings(source)[0]?.fix ?? [], []);
  }
});
