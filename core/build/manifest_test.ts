import { assertEquals, assertThrows } from "@std/assert";

import { STANDARD_PLUGINS } from "../config/standard_plugins.ts";
import { ConfigError, type ConfigProblem } from "../errors.ts";
import { manifestOfConfig, readManifest } from "./manifest.ts";

const FILE = "/srv/acme/outpost.build.jsonc";

function problemsOf(text: string): readonly ConfigProblem[] {
  return assertThrows(() => readManifest(FILE, text), ConfigError).problems;
}

Deno.test("readManifest() finds plugins by name, by path and as a package", () => {
  const manifest = readManifest(
    FILE,
    `{
      "name": "acme", "version": "1.2.3", "agent": "../outpost",
      "plugins": ["standard/agentproc", "./notes/mod.ts", { "import": "jsr:@acme/audit@1.4.2", "export": "audit" }],
      "targets": ["aarch64-unknown-linux-gnu"] // and no other
    }`,
  );

  assertEquals(manifest.plugins, [
    { from: "@outpost/agent/plugins/agentproc", export: "default", written: "standard/agentproc" },
    { from: "/srv/acme/notes/mod.ts", export: "default", written: "./notes/mod.ts" },
    { from: "jsr:@acme/audit@1.4.2", export: "audit", written: "jsr:@acme/audit@1.4.2" },
  ]);
  assertEquals([manifest.output, manifest.targets], ["/srv/acme/dist", ["aarch64-unknown-linux-gnu"]]);
});

Deno.test("readManifest() names every problem with its place", () => {
  const wrong = problemsOf(`{\n  "name": "Acme!",\n  "version": "1",\n  "plugins": [],\n  "target": []\n}`);
  assertEquals(wrong.map(({ path }) => path).sort(), ["name", "plugins", "target", "version"]);
  assertEquals(wrong.find(({ path }) => path === "version")?.source, `${FILE}:3:14`);

  const [misspelt, bare] = problemsOf(
    `{ "name": "acme", "version": "1.0.0", "plugins": ["standard/agentprok", "agentgit"] }`,
  );
  assertEquals(misspelt!.message, 'no standard plugin is called "agentprok": did you mean "agentproc"?');
  assertEquals(bare!.message, 'expected "standard/agentgit", or a path or a package');

  assertEquals(problemsOf("{").map(({ source }) => source), [`${FILE}:1:2`]);
});

Deno.test("manifestOfConfig() takes what a configuration runs, and leaves out what it switches off", () => {
  const { plugins } = manifestOfConfig(
    "/etc/agent.jsonc",
    `{ "plugins": {
      "ssh": false, "agentgit": { "enabled": false }, "notes": { "from": "./notes/mod.ts" },
      "off": { "from": "./off.ts", "enabled": false }, "far": { "from": "exec:/usr/bin/far" }
    } }`,
  );

  const written = plugins.map((plugin) => plugin.written);
  const standard = STANDARD_PLUGINS.filter((id) => id !== "ssh" && id !== "agentgit").map((id) => `standard/${id}`);
  assertEquals(written, [...standard, "./notes/mod.ts"]);
});
