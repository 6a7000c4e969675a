import { assertEquals } from "@std/assert";

import { z } from "zod";

import { isSecret, jsonSchemaOf, knownKeys } from "./schema_shape.ts";
import { secretString } from "./secret.ts";

interface Tree {
  readonly name: string;
  readonly password?: string;
  readonly children?: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.strictObject({
  name: z.string(),
  password: z.string().meta({ secret: true }).optional(),
  get children() {
    return z.array(tree).optional();
  },
});
const schema = jsonSchemaOf(z.strictObject({
  plain: z.string().default("x"),
  token: secretString().optional(),
  pair: z.tuple([z.string(), z.strictObject({ second: z.string().meta({ secret: true }) })]).optional(),
  either: z.union([z.string(), z.strictObject({ left: z.string() }), z.strictObject({ right: z.string() })]).optional(),
  headers: z.record(z.string(), z.string().meta({ secret: true })).optional(),
  keys: z.array(z.string()).meta({ secret: true }).optional(),
  root: tree.optional(),
  when: z.date().optional(),
}));

Deno.test("knownKeys() knows the members of objects, through unions, tuples and recursion", () => {
  assertEquals(knownKeys(schema, ["either"]), ["left", "right"]);
  assertEquals(knownKeys(schema, ["pair", 1]), ["second"]);
  assertEquals(knownKeys(schema, ["root", "children", 0, "children", 7]), ["name", "password", "children"]);
  assertEquals(knownKeys(schema, ["plain"]), []);
  assertEquals(knownKeys(schema, ["nowhere", "at", "all"]), []);
});

Deno.test("isSecret() finds the mark at any depth, and on what is around a value", () => {
  const secret = [["token"], ["pair", 1, "second"], ["headers", "x-any"], ["keys"], ["keys", 3], [
    ...["root", "children", 0, "password"],
  ]];
  const open = [["plain"], ["pair", 0], ["root", "name"], ["either"], []];

  for (const path of secret) assertEquals(isSecret(schema, path), true, path.join("."));
  for (const path of open) assertEquals(isSecret(schema, path), false, path.join("."));
});

Deno.test("isSecret() does not take the names of inherited members for a schema's", () => {
  assertEquals(isSecret(schema, ["constructor"]), false);
  assertEquals(knownKeys(schema, ["__proto__"]), []);
});
