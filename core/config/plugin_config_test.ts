import { assert, assertEquals, assertInstanceOf, assertNotMatch, assertThrows } from "@std/assert";

import { z } from "zod";

import { pluginConfig } from "./plugin_config.ts";
import { resolveConfig } from "./resolve_config.ts";
import { Secret, secretString } from "./secret.ts";

const definition = {
  id: "acme",
  config: z.strictObject({
    maxThings: z.number().int().min(1).default(4).describe("Most things."),
    token: z.string().meta({ secret: true }).optional().describe("Token."),
    targets: z.array(z.strictObject({
      url: z.string().default("a").describe("Where."),
      key: secretString().optional().describe("Key."),
    })).default([]).describe("Where to send."),
    either: z.union([z.string(), z.boolean()]).optional().describe("Either."),
  }),
};

function configure(config: unknown) {
  const loaded = resolveConfig({ raw: { plugins: { acme: { config } } } });
  return pluginConfig(definition, loaded.entries.get("acme"), loaded);
}

function problemsOf(config: unknown): readonly string[] {
  const result = configure(config);
  assert("problems" in result);
  return result.problems.map((problem) => `${problem.source} ${problem.path}: ${problem.message}`);
}

function configOf(config: unknown): Record<string, unknown> {
  const result = configure(config);
  assert("config" in result, JSON.stringify(result));
  return result.config;
}

Deno.test("pluginConfig() fills in defaults, also without an entry", () => {
  assertEquals(pluginConfig(definition), { config: { maxThings: 4, targets: [] } });
  assertEquals(configOf(undefined).maxThings, 4);
});

Deno.test("pluginConfig() names the path and the giver of each wrong value", () => {
  assertEquals(problemsOf({ maxThings: 0, targets: [{ url: 5 }], either: 7 }), [
    "options plugins.acme.config.maxThings: Too small: expected number to be >=1, got 0",
    "options plugins.acme.config.targets.0.url: expected string, got 5",
    "options plugins.acme.config.either: expected string, or expected boolean, got 7",
  ]);
});

Deno.test("pluginConfig() suggests the nearest key, and lists them when none is near", () => {
  assertEquals(problemsOf({ maxThing: 1, targets: [{ uri: "x" }], zzzzzz: 1 }), [
    'options plugins.acme.config.targets.0.uri: unknown key (did you mean "url"?)',
    'options plugins.acme.config.maxThing: unknown key (did you mean "maxThings"?)',
    "options plugins.acme.config.zzzzzz: unknown key: allowed are maxThings, token, targets, either",
  ]);
});

Deno.test("pluginConfig() wraps values that the schema marks secret, at any depth", () => {
  const config = configOf({ token: "geheim", targets: [{ key: "geheim" }] });

  assertInstanceOf(config.token, Secret);
  assertEquals(config.token.reveal(), "geheim");
  assertNotMatch(Deno.inspect(config, { depth: 9 }) + JSON.stringify(config), /geheim/);
});

Deno.test("pluginConfig() never repeats a secret in a problem", () => {
  assertNotMatch(problemsOf({ token: 4711, targets: [{ key: 4711 }] }).join(), /4711/);
});

Deno.test("pluginConfig() gives a value that cannot be changed", () => {
  const config = configOf({ targets: [{}] }) as { maxThings: number; targets: { url: string }[] };

  assertThrows(() => config.maxThings = 5, TypeError);
  assertThrows(() => config.targets[0]!.url = "b", TypeError);
});

Deno.test("pluginConfig() refuses settings for a plugin that has none", () => {
  const result = pluginConfig({ id: "acme" }, { config: { a: 1 }, source: "here" });

  assertEquals(result, {
    problems: [{
      path: "plugins.acme.config.a",
      message: "unknown key: none is allowed here",
      source: "here",
    }],
  });
});
