/**
 * Turns what a schema says about a value into problems a person can act on.
 *
 * @module
 */
import type { z } from "zod";

import type { ConfigProblem } from "../errors.ts";
import { dotted } from "./jsonc_document.ts";
import { isPlainObject } from "./layers.ts";
import { isSecret, type JsonSchema, jsonSchemaOf, knownKeys } from "./schema_shape.ts";
import { suggestion } from "./suggestion.ts";

/** What {@linkcode checkValue} needs beside the value. */
export interface CheckOptions {
  /** Path of the value in the whole configuration. */
  readonly at: readonly string[];
  /** Who gave the value at a path. */
  source(path: readonly PropertyKey[]): string | undefined;
  /** Dotted paths whose value is not shown in messages, as it came from a variable or a file. */
  readonly hidden?: ReadonlySet<string>;
  /** The schema in its JSON form. Default: made from the schema itself. */
  readonly shape?: JsonSchema;
}
/** A value that fits its schema, or everything that is wrong with it. */
export type Checked<Value> =
  | { readonly value: Value }
  | { readonly problems: readonly ConfigProblem[] };

/** Checks `value` against `schema`. */
export function checkValue<Value>(schema: z.ZodType<Value>, value: unknown, options: CheckOptions): Checked<Value> {
  // Compiled parsers pay off after hundreds of values; a configuration is read once.
  const result = schema.safeParse(value, { jitless: true });
  if (result.success) return { value: result.data };
  const shape = options.shape ?? jsonSchemaOf(schema);
  const problems = result.error.issues.flatMap((issue) => describe(issue, shape, value));
  return {
    problems: problems.map(({ path, message, shown }) => {
      const full = [...options.at, ...path];
      const hidden = options.hidden?.has(dotted(full)) || isSecret(shape, path);
      return {
        path: dotted(full),
        message: hidden || shown === "" ? message : `${message}, got ${shown}`,
        source: options.source(full),
      };
    }),
  };
}

interface Described {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** The value as it was given, or empty when it would not help. */
  readonly shown: string;
}

function describe(issue: z.core.$ZodIssue, shape: JsonSchema, root: unknown): readonly Described[] {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(shape, issue.path);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `unknown key${suggestion(key, known) || among(known)}`,
      shown: "",
    }));
  }
  const given = valueAt(root, issue.path);
  if (given === undefined && issue.code === "invalid_type") {
    return [{ path: issue.path, message: `missing: expected ${issue.expected}`, shown: "" }];
  }
  const message = issue.code === "invalid_union" ? describeUnion(issue) : issue.message;
  return [{ path: issue.path, message: withoutReceived(message), shown: show(given) }];
}

function describeUnion(issue: z.core.$ZodIssueInvalidUnion): string {
  const reasons = new Set(issue.errors.flatMap((branch) => branch.map((inner) => withoutReceived(inner.message))));
  return reasons.size === 0 ? issue.message : [...reasons].join(", or ");
}

/** The type that came is said by the value itself. */
function withoutReceived(message: string): string {
  return message.replace(/^Invalid input: /, "").replace(/, received \w+$/, "");
}

function among(known: readonly string[]): string {
  return known.length === 0 ? ": none is allowed here" : `: allowed are ${known.join(", ")}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    if (Array.isArray(value)) return value[Number(key)];
    return isPlainObject(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined;
  }, root);
}

/** Longest value that is quoted in a message, in characters. */
const MAX_SHOWN = 80;

function show(value: unknown): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
