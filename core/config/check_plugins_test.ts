import { assertEquals, assertStringIncludes } from "@std/assert";

import { z } from "zod";

import { checkPlugins, unknownPlugins } from "./check_plugins.ts";
import { resolveConfig } from "./resolve_config.ts";

function entriesOf(...ids: string[]) {
  return resolveConfig({ raw: { plugins: Object.fromEntries(ids.map((id) => [id, {}])) } }).entries;
}

function message(id: string): string {
  return unknownPlugins(entriesOf(id), ["agentproc", "ssh"], ["agentproc", "ssh", "boundary-logs"])[0]!.message;
}

Deno.test("unknownPlugins() suggests the plugin that was meant", () => {
  assertEquals(message("agentprok"), 'unknown plugin "agentprok": did you mean "agentproc"?');
});

Deno.test("unknownPlugins() gives the line that builds in a plugin this binary lacks", () => {
  assertStringIncludes(message("boundary-logs"), "not built into this binary");
  assertStringIncludes(message("boundary-logs"), 'import boundaryLogs from "@outpost/agent/plugins/boundary-logs"');
});

Deno.test("unknownPlugins() lists what there is when nothing is near", () => {
  assertStringIncludes(message("zebra"), 'unknown plugin "zebra": this binary has agentproc, ssh');
});

Deno.test("unknownPlugins() accepts entries that bring their own file", () => {
  const { entries } = resolveConfig({ raw: { plugins: { zebra: { from: "/z.ts" } } } });

  assertEquals(unknownPlugins(entries, []), []);
});

Deno.test("checkPlugins() finds unknown plugins and wrong settings together", () => {
  const loaded = resolveConfig({ raw: { plugins: { zebra: {}, acme: { config: { a: "x" } } } } });

  const { problems } = checkPlugins(loaded, [{ id: "acme", config: z.strictObject({ a: z.number() }) }]);

  assertEquals(problems.map((problem) => problem.path), ["plugins.zebra", "plugins.acme.config.a"]);
});

Deno.test("checkPlugins() does not look at settings of a plugin that is switched off", () => {
  const needsKey = z.strictObject({ key: z.string() });
  const loaded = resolveConfig({ raw: { plugins: { off: false } } });

  const { configs, problems } = checkPlugins(loaded, [
    { id: "off", config: needsKey },
    { id: "offbydefault", config: needsKey, enabledByDefault: false },
    { id: "on" },
  ]);

  assertEquals(problems, []);
  assertEquals([...configs.keys()], ["on"]);
});
