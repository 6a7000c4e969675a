import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { importPlugins } from "./imported_plugin.ts";
import { resolveConfig } from "./resolve_config.ts";

/** What is said of a plugin that imports `name`, beside a `deno.json` with this text. */
async function problemOf(name: string, denoJson?: string): Promise<string> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(dir, "src"));
    if (denoJson !== undefined) await Deno.writeTextFile(join(dir, "deno.json"), denoJson);
    await Deno.writeTextFile(join(dir, "src/mod.ts"), 'import "./part.ts";\n');
    await Deno.writeTextFile(join(dir, "src/part.ts"), `\nimport "${name}";\n`);
    const config = resolveConfig({ raw: { plugins: { acme: { from: join(dir, "src/mod.ts") } } } });
    const { problems } = await importPlugins(config);
    assertEquals(problems.length, 1);
    return problems[0]!.message.replaceAll(dir, "DIR");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("unknownImport() says how the agent is started so that the plugin's own deno.json holds", async () => {
  const settings = '{ "imports": { "acme-words": "npm:acme-words@1.0.0", "acme-files/": "./files/" } }';
  const start = '"DIR/deno.json" says what that is, which this Deno has not read: start the agent with ' +
    '"deno run --config DIR/deno.json …", or run the plugin as a program of its own, with "attached": true';

  assertEquals(
    // Deno does not always know the line.
    (await problemOf("acme-words", settings)).replace("part.ts:2:8", "part.ts"),
    `cannot import "DIR/src/mod.ts": "acme-words" is imported at file://DIR/src/part.ts, and ${start}`,
  );
  assertStringIncludes(await problemOf("acme-words/long", settings), start);
  assertStringIncludes(await problemOf("acme-files/a.ts", settings), start);
});

Deno.test("unknownImport() says where to write what a name is", async () => {
  const others = await problemOf("acme-words", '{ "imports": { "acme": "npm:acme@1.0.0" } }');
  const none = await problemOf("acme-words");

  assertStringIncludes(others, '"DIR/deno.json" does not say what that is: add it under "imports"');
  assertStringIncludes(none, 'no "deno.json" says what that is: write one beside the plugin, with "imports"');
});

Deno.test("unknownImport() leaves messages about anything else as they are", async () => {
  assertStringIncludes(await problemOf("./gone.ts", "{}"), 'Module not found "file://DIR/src/gone.ts"');
});
