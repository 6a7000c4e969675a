import { assertEquals } from "@std/assert";

import { type Finding, isBareMember, isForeign, isGenerated, readFindings } from "./doc_lint.ts";

Deno.test("readFindings() and isBareMember() report a bare symbol and let a bare member of a documented type pass", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const source = [
      "/** Says what it is. */",
      "export interface Documented {",
      "  readonly id: string;",
      "}",
      "export const bare: number = 1;",
      "",
    ];
    await Deno.writeTextFile(`${dir}/mod.ts`, source.join("\n"));
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--lint", "--quiet", "--no-config", `${dir}/mod.ts`],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();

    const findings = readFindings(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));

    assertEquals(findings.map((finding) => finding.line), [3, 5]);
    assertEquals(findings.map((finding) => isBareMember(finding, source[finding.line - 1]!)), [true, false]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("isForeign() lets types of packages and brands pass, and no type of ours", () => {
  const source = [
    `import type { Context, Hono } from "hono";`,
    `import type { State } from "./lifecycle.ts";`,
    `import type { z } from "zod";`,
    `declare const shape: unique symbol;`,
    `export interface A { readonly config: z.ZodType; }`,
  ].join("\n");
  const finding = (name: string): Finding => ({
    code: "private-type-ref",
    message: `public type 'A["b"]' references private type '${name}'`,
    file: "a.ts",
    line: 1,
  });

  const foreign = ["Context", "Hono", "ZodType", "shape", "State"].filter((name) => isForeign(finding(name), source));

  assertEquals(foreign, ["Context", "Hono", "ZodType", "shape"]);
});

Deno.test("isGenerated() knows what the protobuf compiler wrote from what people wrote", async () => {
  const source = (path: string) => Deno.readTextFile(new URL(path, import.meta.url));

  assertEquals(isGenerated(await source("../core/proto/gen/agent_pb.ts")), true);
  assertEquals(isGenerated(await source("./doc_lint.ts")), false);
});
