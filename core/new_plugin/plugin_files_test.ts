import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";

import { ownSource, projectSettings, PROTOBUF, readSource, ZOD } from "../agent_source.ts";
import { pluginFiles } from "./plugin_files.ts";

Deno.test("pluginFiles() names everything after the plugin's id", () => {
  const files = pluginFiles({ id: "my-notes", invocation: "outpost" });

  assertEquals(Object.keys(files).sort(), [
    ...["README.md", "config.ts", "example.jsonc", "mod.ts", "plugin.ts", "plugin_test.ts"],
  ]);
  assertStringIncludes(files["config.ts"]!, "export const myNotesConfig: z.ZodType<MyNotesConfig>");
  assertStringIncludes(files["README.md"]!, "`agent_my_notes_greeted_total`");
  assertStringIncludes(files["README.md"]!, "outpost start --config example.jsonc");
});

Deno.test("projectSettings() links a checkout for projects outside, and leaves those inside to the checkout", () => {
  const source = { kind: "path", path: "/src/outpost" } as const;

  assertEquals(projectSettings(source, "/srv/mine")?.links, ["../../src/outpost"]);
  assertEquals(projectSettings(source, "/src/outpost/plugins/mine"), undefined);
  assertEquals(projectSettings(source, "/src/outpost-more")?.links, ["../outpost"]);
  const published = projectSettings({ kind: "package", specifier: "jsr:@outpost/agent@1.2.3" }, "/srv/mine");
  assertEquals([published?.links, published?.imports["@outpost/agent"]], [undefined, "jsr:@outpost/agent@1.2.3"]);
});

Deno.test("projectSettings() gives a plugin the zod and the protobuf of the agent", async () => {
  const source = ownSource();
  assert(source.kind === "path");

  const { imports } = JSON.parse(await Deno.readTextFile(join(source.path, "deno.json")));

  const given = { zod: ZOD, ...PROTOBUF };
  assertEquals(Object.fromEntries(Object.keys(given).map((name) => [name, imports[name]])), given);
});

Deno.test("readSource() says what an agent can be", () => {
  assertEquals(readSource("jsr:@outpost/agent@1.2.3", "/"), { kind: "package", specifier: "jsr:@outpost/agent@1.2.3" });
  assertThrows(() => readSource("https://example.org/agent.ts", "/"), TypeError, "expected a path, or jsr:");
  assertThrows(() => readSource("tmp", "/"), TypeError, '"/tmp" holds no @outpost/agent');
});

Deno.test("pluginFiles() are as the formatter wants them, however long the id is", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (const id of ["ab", "reminders", "a-name-of-24-characters-", "a".repeat(32)]) {
      await Deno.mkdir(join(directory, id));
      const project = projectSettings({ kind: "path", path: "/src/outpost" }, join(directory, id));
      for (const [name, text] of Object.entries(pluginFiles({ id, project, invocation: "deno run -A main.ts" }))) {
        await Deno.writeTextFile(join(directory, id, name), text);
      }
    }
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--check", "--no-config", "--line-width=120", "."],
      cwd: directory,
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
