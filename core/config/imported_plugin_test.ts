import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { type ImportedPlugins, importPlugins } from "./imported_plugin.ts";
import { resolveConfig } from "./resolve_config.ts";

const HELLO = 'export default { id: "hello", version: "1.0.0", api: 1, setup() {} };\n';
const HELLO_SHA256 = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(HELLO))).toHex();

async function importOne(source: string | null, entry: object, agent: object = {}): Promise<ImportedPlugins> {
  const directory = await Deno.makeTempDir();
  try {
    if (source !== null) await Deno.writeTextFile(join(directory, "hello.ts"), source);
    const text = JSON.stringify({ agent, plugins: { hello: { from: "./hello.ts", ...entry } } });
    return await importPlugins(resolveConfig({ file: join(directory, "agent.jsonc"), text }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function problemOf(source: string | null, entry: object = {}, agent: object = {}): Promise<string> {
  const { plugins, problems } = await importOne(source, entry, agent);
  assertEquals(plugins, []);
  assertEquals(problems.map((problem) => problem.path), ["plugins.hello.from"]);
  return problems[0]!.message;
}

Deno.test("importPlugins() imports a file beside the configuration and tells its hash", async () => {
  const { plugins, problems } = await importOne(HELLO, {});

  assertEquals(problems, []);
  assertEquals(plugins.map(({ plugin, sha256 }) => [plugin.id, sha256]), [["hello", HELLO_SHA256]]);
});

Deno.test("importPlugins() accepts the pinned content, written in either case", async () => {
  const { plugins } = await importOne(HELLO, { sha256: HELLO_SHA256.toUpperCase() });

  assertEquals(plugins.length, 1);
});

Deno.test("importPlugins() refuses another content than the pinned one, before it runs", async () => {
  const message = await problemOf("throw new Error('ran');", { sha256: HELLO_SHA256 });

  assertStringIncludes(message, `the entry pins ${HELLO_SHA256}`);
});

Deno.test("importPlugins() is closed by allowImport", async () => {
  const message = await problemOf("throw new Error('ran');", {}, { allowImport: false });

  assertStringIncludes(message, '"agent.allowImport": false');
});

Deno.test("importPlugins() leaves a plugin that is switched off alone", async () => {
  assertEquals(await importOne("throw new Error('ran');", { enabled: false }), { plugins: [], problems: [] });
});

Deno.test("importPlugins() says what is wrong with a file", async () => {
  assertStringIncludes(await problemOf(null), "there is no file");
  assertStringIncludes(await problemOf("throw new Error('broken');"), "broken");
  assertStringIncludes(await problemOf("export const x = 1;"), "no plugin as its default export");
  assertStringIncludes(await problemOf(HELLO.replace('"hello"', '"other"')), 'is the plugin "other"');
  assertStringIncludes(
    await problemOf(HELLO.replace("export default", "export const mine =")),
    '; "mine" is one: write "export default mine"',
  );
});

Deno.test("importPlugins() leaves it to others to say what a definition lacks", async () => {
  const { plugins } = await importOne('export default { id: "hello", setup() {} };\n', {});

  assertEquals(plugins.map(({ plugin }) => plugin.id), ["hello"]);
});
