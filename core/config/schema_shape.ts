/**
 * Questions about a schema, answered from its JSON Schema form.
 *
 * @module
 */
import { z } from "zod";

/** The part of JSON Schema that is looked at here. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  /** Set by `.meta({ secret: true })`. */
  readonly secret?: boolean;
}

/** What a schema accepts, as JSON Schema. Parts without a JSON form accept anything. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

/** Names of the members an object at `path` may have; empty when the schema does not say. */
export function knownKeys(root: JsonSchema, path: readonly PropertyKey[]): readonly string[] {
  return [...new Set(at(root, path).flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

/** Whether the value at `path`, or one around it, is marked secret. */
export function isSecret(root: JsonSchema, path: readonly PropertyKey[]): boolean {
  return path.concat("").some((_, length) => at(root, path.slice(0, length)).some((schema) => schema.secret === true));
}

/** Every schema that may describe the value at `path`: more than one below a union. */
function at(root: JsonSchema, path: readonly PropertyKey[]): readonly JsonSchema[] {
  let schemas = alternatives(root, root);
  for (const key of path) {
    schemas = schemas.flatMap((schema) => member(schema, key)).flatMap((schema) => alternatives(root, schema));
  }
  return schemas;
}

function member(schema: JsonSchema, key: PropertyKey): readonly JsonSchema[] {
  const own = schema.properties !== undefined && Object.hasOwn(schema.properties, key)
    ? schema.properties[String(key)]
    : undefined;
  const isIndex = /^\d+$/.test(String(key));
  const candidates = [
    own ?? schema.additionalProperties,
    isIndex ? schema.prefixItems?.[Number(key)] ?? schema.items : undefined,
  ];
  return candidates.filter((candidate): candidate is JsonSchema => typeof candidate === "object");
}

function alternatives(root: JsonSchema, schema: JsonSchema, seen: readonly JsonSchema[] = []): readonly JsonSchema[] {
  if (seen.includes(schema)) return [];
  const target = schema.$ref === undefined ? undefined : resolveReference(root, schema.$ref);
  const inner = [...schema.anyOf ?? [], ...schema.oneOf ?? [], ...schema.allOf ?? [], ...(target ? [target] : [])];
  return [schema, ...inner.flatMap((each) => alternatives(root, each, [...seen, schema]))];
}

/** Schemas made by zod refer to themselves by `#` and to named parts by `#/$defs/NAME`. */
function resolveReference(root: JsonSchema, reference: string): JsonSchema | undefined {
  if (reference === "#") return root;
  const name = /^#\/\$defs\/(.+)$/.exec(reference)?.[1];
  return name === undefined ? undefined : root.$defs?.[name];
}
