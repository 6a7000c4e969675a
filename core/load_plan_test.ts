import { assertEquals, assertRejects } from "@std/assert";

import { z } from "zod";

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
