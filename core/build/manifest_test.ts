import { assertEquals, assertThrows } from "@std/assert";
import { dirname, join } from "@std/path";

import { STANDARD_PLUGINS } from "../config/standard_plugins.ts";
import { ConfigError } from "../errors.ts";
import { manifestOfConfig, readManifest } from "./manifest.ts";

const FILE = "/srv/acme/outpost.build.jsonc";

/** A folder with these files, all empty. */
async function withFiles(names: readonly string[], use: (dir: string) => void): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (const name of names) {
      await Deno.mkdir(dirname(join(dir, name)), { recursive: true });
      await Deno.writeTextFile(join(dir, name), "");
    }
    use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function problemsOf(text: string, file = FILE, options: { readonly agent?: string } = {}): ConfigError {
  return assertThrows(() => readManifest(file, text, options), ConfigError);
}

Deno.test("readManifest() finds plugins by name, by path and as a package", () =>
  withFiles(["notes/mod.ts"], (dir) => {
    const manifest = readManifest(
      join(dir, "outpost.build.jsonc"),
      `{
      "name": "acme", "version": "1.2.3", "agent": "jsr:@outpost/agent@0.1.0",
      "plugins": ["standard/agentproc", "./notes/mod.ts", { "import": "jsr:@acme/audit@1.4.2", "export": "audit" }],
      "targets": ["aarch64-unknown-linux-gnu"] // and no other
    }`,
    );

    assertEquals(manifest.plugins, [
      { from: "@outpost/agent/plugins/agentproc", export: "default", written: "standard/agentproc" },
      { from: join(dir, "notes/mod.ts"), export: "default", written: "./notes/mod.ts" },
      { from: "jsr:@acme/audit@1.4.2", export: "audit", written: "jsr:@acme/audit@1.4.2" },
    ]);
    assertEquals([manifest.output, manifest.targets], [join(dir, "dist"), ["aarch64-unknown-linux-gnu"]]);
  }));

Deno.test("readManifest() names every problem with its place", () => {
  const wrong = problemsOf(`{\n  "name": "Acme!",\n  "version": "1",\n  "plugins": [],\n  "target": []\n}`);
  assertEquals(wrong.problems.map(({ path }) => path).sort(), ["name", "plugins", "target", "version"]);
  assertEquals(wrong.problems.find(({ path }) => path === "version")?.source, `${FILE}:3:14`);
  assertEquals(wrong.message.split("\n")[0], "Cannot build: 4 problems in the manifest");

  const [misspelt, bare] = problemsOf(
    `{ "name": "acme", "version": "1.0.0", "plugins": ["standard/agentprok", "agentgit"] }`,
  ).problems;
  assertEquals(misspelt!.message, 'no standard plugin is called "agentprok": did you mean "agentproc"?');
  assertEquals(bare!.message, 'expected "standard/agentgit", or a path or a package');

  assertEquals(problemsOf("{").problems.map(({ source }) => source), [`${FILE}:1:2`]);
});

Deno.test("readManifest() tells what is wrong with files together with what is wrong with the text", () =>
  withFiles(["notes/mod.ts", "read.me"], (dir) => {
    const file = join(dir, "outpost.build.jsonc");
    const text = `{
  "nam": "acme",
  "version": "1.0.0",
  "plugins": ["./nowhere.ts", { "import": "./gone.ts" }, "./notes", "./read.me", "./notes/mod.ts", ""],
  "targets": ["x86_64-apple-darwin", "x86_64-apple-darwin"],
  "agent": "./nothing"
}`;

    const { problems } = problemsOf(text, file);

    assertEquals(problems.map(({ path }) => path).sort(), [
      ...["agent", "nam", "name", "plugins.0", "plugins.1", "plugins.2", "plugins.3", "plugins.5", "targets.1"],
    ]);
    const at = (path: string) => problems.find((problem) => problem.path === path)!;
    assertEquals(
      at("plugins.0").message,
      `there is no file "${dir}/nowhere.ts": correct the path, or put the file there`,
    );
    assertEquals(at("plugins.1").source, `${file}:4:31`);
    assertEquals(at("plugins.2").message, `"${dir}/notes" is a folder: name the file in it, such as "./notes/mod.ts"`);
    assertEquals(
      at("plugins.3").message,
      `"${dir}/read.me" is no TypeScript or JavaScript: a binary holds only those, and a configuration attaches others`,
    );
    assertEquals(at("targets.1").message, '"x86_64-apple-darwin" is listed twice: keep one');
    assertEquals(at("agent").message, `Cannot use the agent "./nothing": "${dir}/nothing" holds no @outpost/agent`);
    const named = problemsOf(text, file, { agent: "jsr:@outpost/agent@0.1.0" }).problems;
    assertEquals(named.some(({ path }) => path === "agent"), false);
  }));

Deno.test("manifestOfConfig() takes what a configuration runs, and leaves out what it switches off", () =>
  withFiles(["notes/mod.ts", "bare/mod.ts"], (dir) => {
    const { plugins } = manifestOfConfig(
      join(dir, "agent.jsonc"),
      `{ "plugins": {
      "ssh": false, "agentgit": { "enabled": false }, "notes": { "from": "./notes/mod.ts" },
      "bare": { "from": "bare/mod.ts" },
      "off": { "from": "./off.ts", "enabled": false }, "far": { "from": "exec:/usr/bin/far" }
    } }`,
    );

    const written = plugins.map((plugin) => plugin.written);
    const standard = STANDARD_PLUGINS.filter((id) => id !== "ssh" && id !== "agentgit").map((id) => `standard/${id}`);
    assertEquals(written, [...standard, "./notes/mod.ts", "bare/mod.ts"]);
    assertEquals(plugins.at(-1)?.from, join(dir, "bare/mod.ts"));
  }));

Deno.test("manifestOfConfig() names every entry that no binary can hold, with its place", () => {
  const text = `{ "plugins": {
  "agentprok": false,
  "one": { "from": "./one.ts" },
  "two": { "from": "./two.ts" },
  "three": {}
} }`;

  const { message } = assertThrows(() => manifestOfConfig("/srv/acme/agent.jsonc", text), ConfigError);

  assertEquals(message.split("\n"), [
    "Cannot build: 4 problems in the configuration",
    '  /srv/acme/agent.jsonc:2:16: plugins.agentprok: unknown plugin "agentprok": did you mean "agentproc"?',
    '  /srv/acme/agent.jsonc:3:20: plugins.one.from: there is no file "/srv/acme/one.ts": correct the path, or put the file there',
    '  /srv/acme/agent.jsonc:4:20: plugins.two.from: there is no file "/srv/acme/two.ts": correct the path, or put the file there',
    '  /srv/acme/agent.jsonc:5:12: plugins.three: unknown plugin "three": a plugin of your own needs "from"',
  ]);
});
