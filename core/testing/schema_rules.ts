/**
 * What the schema of a plugin's settings has to fulfil.
 *
 * @module
 */
import type { z } from "zod";

import { type JsonSchema, jsonSchemaOf } from "../config/schema_shape.ts";

/** Whether a key that no setting has is an error. */
export function refusesUnknownKeys(schema: z.ZodType, settings: unknown = {}): boolean {
  return !schema.safeParse({ ...settings as object, "conformance-unknown-key": 1 }).success;
}

/** Paths of settings that have no description. */
export function fieldsWithoutDescription(schema: z.ZodType): readonly string[] {
  return undescribed(jsonSchemaOf(schema), "");
}

function undescribed(schema: JsonSchema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = path === "" ? name : `${path}.${name}`;
    return [...(typeof field.description === "string" ? [] : [here]), ...undescribed(field, here)];
  });
}
