import { assertEquals, assertMatch } from "@std/assert";

import { leftOut, overflowHint } from "./left_out.ts";

Deno.test("leftOut() finds the files that Deno takes for programs, wherever the package lies", async () => {
  const asked: (readonly string[])[] = [];
  const npmPackages = {
    "bintrees@1.0.2": { name: "bintrees", localPath: "/cache/bintrees/1.0.2" },
    "hono@4.0.0": { name: "hono", localPath: "/cache/hono/4.0.0" },
  };
  const deno = (args: readonly string[]) => {
    asked.push(args);
    return Promise.resolve(JSON.stringify({ modules: [], npmPackages }));
  };

  const found = await leftOut(deno, { entry: "/acme/main.ts", settings: ["--config", "/acme/deno.json"] });

  assertEquals(found, ["/cache/bintrees/1.0.2/test"]);
  assertEquals(asked, [["info", "--json", "--config", "/acme/deno.json", "/acme/main.ts"]]);
});

Deno.test("leftOut() finds nothing in a program without packages, or whose package is not there", async () => {
  const program = { entry: "/acme/main.ts", settings: [] };

  assertEquals(await leftOut(() => Promise.resolve("{}"), program), []);
  const absent = { npmPackages: { "bintrees@1.0.2": { name: "bintrees" } } };
  assertEquals(await leftOut(() => Promise.resolve(JSON.stringify(absent)), program), []);
});

Deno.test("overflowHint() says what to look for, and nothing of other failures", () => {
  assertMatch(
    overflowHint("\nthread 'tokio-runtime-worker' (1) has overflowed its stack\n") ?? "",
    /without an extension/,
  );
  assertEquals(overflowHint("error: Module not found"), undefined);
});
