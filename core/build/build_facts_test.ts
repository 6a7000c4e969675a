import { assertEquals } from "@std/assert";

import { graphFacts } from "./build_facts.ts";

/** Where modules of these specifiers are said to come from. */
async function origins(specifiers: readonly string[], registry?: string): Promise<readonly string[]> {
  const graph = { modules: specifiers.map((specifier) => ({ kind: "esm", specifier })), npmPackages: {} };
  const { modules } = await graphFacts({
    deno: () => Promise.resolve(JSON.stringify(graph)),
    ...{ entry: "/p/main.ts", roots: ["/p"], everyPackage: false, registry },
  });
  return modules.map(({ origin }) => origin);
}

Deno.test("graphFacts() names packages of the registry, and no other host by the same words", async () => {
  const path = "@acme/audit/1.0.0/mod.ts";

  assertEquals(
    await origins(["file:///p/core/a.ts", `https://jsr.io/${path}`, `https://example.org/${path}`]),
    ["core", "@acme/audit", "elsewhere"],
  );
  assertEquals(
    await origins([`http://127.0.0.1:4000/${path}`, `https://jsr.io/${path}`], "http://127.0.0.1:4000/"),
    ["@acme/audit", "elsewhere"],
  );
});
