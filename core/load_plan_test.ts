import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { z } from "zod";

import { resolveConfig } from "./config/resolve_config.ts";
import { ConfigError } from "./errors.ts";
import { loadPlan } from "./load_plan.ts";
import { definePlugin, type Plugin } from "./plugin.ts";

const acme: Plugin = definePlugin({
  ...{ id: "acme", version: "1.0.0", api: 1, summary: "Does acme things.", stability: "stable", setup() {} },
  config: z.strictObject({ url: z.string().default("none").describe("Where.") }),
});

Deno.test("loadPlan() substitutes variables in a configuration written as an object", async () => {
  const config = { plugins: { acme: { config: { url: "${env:URL}" } } } };

  const { settingsOf } = await loadPlan({ plugins: [acme], config, env: { URL: "here" } });

  assertEquals(settingsOf("acme"), { url: "here" });
});

Deno.test("loadPlan() lists problems of the agent's settings and of plugins' together", async () => {
  const config = { agent: { bogus: 1 }, plugins: { acme: { config: { url: 5 } }, acne: true } };

  const { problems } = await assertRejects(() => loadPlan({ plugins: [acme], config }), ConfigError);

  assertEquals(problems.map(({ path }) => path), ["agent.bogus", "plugins.acne", "plugins.acme.config.url"]);
});

Deno.test("loadPlan() says in which file a definition is wrong, and where the entry is that names it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/mod.ts`, 'export default { id: "acme", version: "1.0.0", api: 2, setup() {} };\n');
    const text = '{ "plugins": {\n "acme": { "from": "./mod.ts" } } }';
    const config = resolveConfig({ file: `${dir}/agent.jsonc`, text });

    const { problems } = await assertRejects(() => loadPlan({ plugins: [], config }), ConfigError);

    assertEquals(problems.map(({ path, source }) => [path, source]), [["plugins.acme", `${dir}/agent.jsonc:2:10`]]);
    assertStringIncludes(problems[0]!.message, `the definition in "${dir}/mod.ts" is wrong: needs contract 2`);
    assertStringIncludes(problems[0]!.message, "; summary is missing");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("loadPlan() lists missing files of plugins with the problems of the agent's settings, and with each other", async () => {
  const plugins = {
    gone: { from: "/nowhere/gone.ts" },
    lost: { from: "/nowhere/lost.ts" },
    off: { from: "/nowhere/off.ts", enabled: false },
    far: { from: "/nowhere/far.ts", attached: true },
  };
  const problemsWith = async (agent: object) =>
    (await assertRejects(() => loadPlan({ plugins: [], config: { agent, plugins } }), ConfigError)).problems;
  const missing = ["gone", "lost"].map((id) => ({
    path: `plugins.${id}.from`,
    message: `there is no file "/nowhere/${id}.ts": correct the path, or put the file there`,
  }));

  const withOthers = await problemsWith({ bogus: 1 });
  const alone = await problemsWith({});
  const closed = await problemsWith({ allowImport: false });

  assertEquals(withOthers.map(({ path, message }) => ({ path, message })).slice(1), missing);
  assertEquals(withOthers[0]?.path, "agent.bogus");
  assertEquals(alone.map(({ path, message }) => ({ path, message })), missing);
  assertEquals(closed.map(({ message }) => message.includes("allowImport")), [true, true]);
});
