import { assertEquals, assertStringIncludes } from "@std/assert";

import { readDefinition } from "../definition.ts";
import { makePlan } from "../plan.ts";
import { definePlugin, defineService, optional, type Plugin } from "../plugin.ts";
import { explainPlugin, pluginOverview, type ReportedPlugin } from "./plugin_overview.ts";

const Paths = defineService<unknown>("git/paths");
const base = { version: "1.0.0", api: 1, stability: "beta", setup() {} } as const;
const git = definePlugin({ ...base, id: "git", summary: "Watches.", provides: [Paths] });
const files = definePlugin({ ...base, id: "files", summary: "Edits.", needs: { paths: optional(Paths) } });
const off = definePlugin({ ...base, id: "off", summary: "Is off.", enabledByDefault: false });

function overview(reported?: readonly ReportedPlugin[], plugins: readonly Plugin[] = [git, files, off]) {
  const host = { os: "linux", arch: "x86_64", agentVersion: "1.0.0", denoVersion: "2.9.0" } as const;
  const entries = plugins.map((plugin) => ({ definition: readDefinition(plugin).definition! }));
  const plan = makePlan({ entries, host }).plugins;
  return pluginOverview({ listed: ["git", "ssh"], builtIn: ["git", "off"], plan, reported });
}

Deno.test("pluginOverview() tells this version, this binary and the plan apart", () => {
  const rows = overview().map(({ id, listed, built_in, state }) => [id, listed, built_in, state]);

  assertEquals(rows, [
    ["git", true, true, "would run"],
    ["files", false, false, "would run"],
    ["off", false, true, "disabled"],
    ["ssh", true, false, "absent"],
  ]);
});

Deno.test("pluginOverview() takes the running agent's word for state, reason and times", () => {
  const [first, second] = overview([{ id: "git", state: "failed", reason: "no git", setup_ms: 1.5 }]);

  assertEquals([first!.state, first!.reason, first!.setup_ms], ["failed", "no git", 1.5]);
  assertEquals(second!.state, "not in the running agent");
});

Deno.test("pluginOverview() shows what only the running agent has", () => {
  const rows = overview([{ id: "acme", version: "2.0.0", state: "failed", reason: "no disk" }]);

  assertEquals(rows.map(({ id }) => id), ["git", "files", "off", "acme", "ssh"]);
  assertEquals(explainPlugin(rows[3]!, rows), "acme 2.0.0: failed\nReason: no disk\n");
});

Deno.test("explainPlugin() names reason, needs with their providers, and dependents", () => {
  const rows = overview();

  assertEquals(
    explainPlugin(rows[1]!, rows),
    "files 1.0.0: would run\nEdits.\nNeeds git/paths (optional): from git, would run\n",
  );
  assertStringIncludes(explainPlugin(rows[0]!, rows), "Needed by: files\n");
  assertStringIncludes(explainPlugin(rows[2]!, rows), "Reason: off by default\n");
  assertEquals(explainPlugin(rows[3]!, rows), "ssh: absent\nReason: not built into this binary\n");
});

Deno.test("explainPlugin() says when nobody provides a need", () => {
  const rows = overview(undefined, [files]);

  assertStringIncludes(explainPlugin(rows[0]!, rows), "Needs git/paths (optional): provided by nobody\n");
});
