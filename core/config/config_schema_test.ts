import { assert, assertEquals } from "@std/assert";

import { z } from "zod";

import { configSchema } from "./config_schema.ts";
import type { JsonSchema } from "./schema_shape.ts";

const acme = {
  id: "acme",
  summary: "Does acme things.",
  config: z.strictObject({ max: z.number().default(3).describe("Most things.") }),
};

Deno.test("configSchema() describes every field of the agent section", () => {
  const missing: string[] = [];
  const visit = (schema: JsonSchema, path: string) => {
    for (const [key, inner] of Object.entries(schema.properties ?? {})) {
      if (typeof inner.description !== "string") missing.push(`${path}.${key}`);
      visit(inner, `${path}.${key}`);
    }
  };

  visit(configSchema([]).properties!.agent!, "agent");

  assertEquals(missing, []);
});

Deno.test("configSchema() offers a plugin's settings with description and default", () => {
  const entry = configSchema([acme]).properties!.plugins!.properties!.acme!;

  assertEquals(entry.description, "Does acme things.");
  const max = entry.anyOf![1]!.properties!.config!.properties!.max!;
  assertEquals([max.description, max.default], ["Most things.", 3]);
});

Deno.test("configSchema() lets a plugin without settings have none", () => {
  const entry = configSchema([{ id: "plain" }]).properties!.plugins!.properties!.plain!;

  assertEquals(entry.anyOf![1]!.properties!.config!.additionalProperties, false);
});

Deno.test("configSchema() asks an unknown plugin where it comes from", () => {
  const entry = configSchema([acme]).properties!.plugins!.additionalProperties;

  assert(typeof entry === "object");
  assertEquals(entry.anyOf![0]!.required, ["from"]);
});

Deno.test("configSchema() names its dialect once", () => {
  assertEquals(JSON.stringify(configSchema([acme])).match(/json-schema\.org/g)?.length, 1);
});
