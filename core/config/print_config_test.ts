import { assertEquals, assertNotMatch } from "@std/assert";

import { z } from "zod";

import { printedValues } from "./print_config.ts";
import { resolveConfig } from "./resolve_config.ts";

const acme = {
  id: "acme",
  config: z.strictObject({
    max: z.number().default(3).describe("Most."),
    key: z.string().meta({ secret: true }).optional().describe("Key."),
    url: z.string().optional().describe("Where."),
  }),
};

function print(text: string, env = {}): Map<string, string> {
  const loaded = resolveConfig({ file: "/a.jsonc", text, env, sets: ["agent.log.level=debug"] });
  return new Map(printedValues(loaded, [acme]).map(({ path, value, origin }) => [path, `${value} (${origin})`]));
}

Deno.test("printedValues() shows each value with its giver", () => {
  const values = print('{ "agent": { "allowImport": false } }');

  assertEquals(values.get("agent.allowImport"), "false (/a.jsonc:1:29)");
  assertEquals(values.get("agent.log.level"), "debug (--set)");
  assertEquals(values.get("agent.log.format"), "auto (default)");
  assertEquals(values.get("plugins.acme.config.max"), "3 (default)");
});

Deno.test("printedValues() masks secrets", () => {
  const values = print('{ "agent": { "token": "geheim" }, "plugins": { "acme": { "config": { "key": "geheim" } } } }');

  assertEquals(values.get("agent.token"), "[redacted] (/a.jsonc:1:23)");
  assertEquals(values.get("plugins.acme.config.key")?.startsWith("[redacted]"), true);
});

Deno.test("printedValues() shows a substitution as it is written", () => {
  const values = print('{ "plugins": { "acme": { "config": { "url": "${env:URL}" } } } }', { URL: "geheim" });

  assertEquals(values.get("plugins.acme.config.url")?.startsWith("${env:URL} "), true);
});

Deno.test("printedValues() masks secrets of settings that do not fit, and all texts of plugins that are not there", () => {
  const values = print(
    '{ "plugins": { "acme": { "config": { "key": "geheim", "max": "x" } }, "other": { "config": { "k": "geheim" } } } }',
  );

  assertNotMatch([...values.values()].join(), /geheim/);
  assertEquals(values.has("plugins.acme.config.key"), true);
  assertEquals(values.has("plugins.other.config.k"), true);
});
