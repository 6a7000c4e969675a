/**
 * Query parameters of routes, strict: a misspelt name is an error instead of a default.
 *
 * @module
 */
import type { Context } from "hono";

import { HttpProblem, type Validation } from "../errors.ts";

/** What every kind of parameter has. */
export interface DescribedParameter {
  /** What it is for, shown in the API document. */
  readonly summary?: string;
}
/** A text parameter. */
export interface TextParameter extends DescribedParameter {
  readonly type: "text";
  /** Regular expression for what the route accepts. Told to clients; the route checks it itself, in words of its own. */
  readonly pattern?: string;
  /** Missing or empty is a problem. */
  readonly required?: boolean;
  /** Used when missing or empty. Default `""`. */
  readonly default?: string;
}
/** A whole number from 0 to 2^63-1; above 2^53 it is rounded. */
export interface CountParameter extends DescribedParameter {
  readonly type: "count";
  readonly required?: boolean;
  /** Used when missing or empty. Default 0. */
  readonly default?: number;
}
/** `true`, `false`, and their short forms `t`, `f`, `1`, `0`. */
export interface SwitchParameter extends DescribedParameter {
  readonly type: "switch";
  readonly required?: boolean;
  /** Used when missing or empty. Default `false`. */
  readonly default?: boolean;
}
/** One parameter. */
export type QueryParameter = TextParameter | CountParameter | SwitchParameter;
/** Every parameter a route knows, by name. */
export type QuerySpec = Readonly<Record<string, QueryParameter>>;
/** One value per parameter. */
export type QueryValues<S extends QuerySpec> = {
  readonly [K in keyof S]: S[K] extends TextParameter ? string
    : S[K] extends CountParameter ? number
    : boolean;
};

/**
 * Reads a request's query parameters. Of a repeated one, the first counts.
 *
 * @throws {HttpProblem} 400 with one validation per problem: a required parameter without a value, a value of the wrong
 * kind, a name the route does not know.
 *
 * @example A page of a file
 * const { path, offset } = readQuery(c, { path: { type: "text", required: true }, offset: { type: "count" } });
 */
export function readQuery<const S extends QuerySpec>(c: Context, spec: S): QueryValues<S> {
  const sent = new URL(c.req.url).searchParams;
  const problems: Validation[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, parameter] of Object.entries<QueryParameter>(spec)) {
    const text = sent.get(name) ?? "";
    if (text !== "") {
      values[name] = PARSERS[parameter.type](text, (detail) => problems.push({ field: name, detail }));
    } else if (parameter.required) {
      problems.push({ field: name, detail: `"${name}" is required and cannot be empty` });
    } else {
      values[name] = parameter.default ?? EMPTY[parameter.type];
    }
  }
  for (const name of new Set(sent.keys())) {
    if (Object.hasOwn(spec, name)) continue;
    problems.push({ field: name, detail: `"${name}" is not a valid query param` });
  }
  if (problems.length === 0) return values as QueryValues<S>;
  throw new HttpProblem(400, "Query parameters have invalid values", {
    code: "validation_failed",
    validations: problems,
  });
}

type Report = (detail: string) => void;

const EMPTY: Readonly<Record<QueryParameter["type"], unknown>> = { text: "", count: 0, switch: false };

const PARSERS: Readonly<Record<QueryParameter["type"], (text: string, report: Report) => unknown>> = {
  text: (text) => text,
  count: parseCount,
  switch: parseSwitch,
};

/** Largest signed 64-bit integer: clients use it for "no limit". */
const MAX_INT64 = 2n ** 63n - 1n;

function parseCount(text: string, report: Report): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return void report(`value "${text}" is not an integer`);
  if (text.startsWith("-") && Number(text) < 0) return void report(`value is negative: ${text}`);
  // Twenty digits are over the limit anyway; converting a very long number would take quadratic time.
  const digits = text.replace(/^[+-]?0*/, "");
  if (digits.length > 19 || BigInt(digits || "0") > MAX_INT64) return void report("value is out of range");
  return Number(digits);
}

const SWITCH_TEXTS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(["1", "t", "T", "true", "True", "TRUE"].map((text) => [text, true])),
  ...Object.fromEntries(["0", "f", "F", "false", "False", "FALSE"].map((text) => [text, false])),
};

function parseSwitch(text: string, report: Report): boolean | undefined {
  if (Object.hasOwn(SWITCH_TEXTS, text)) return SWITCH_TEXTS[text];
  return void report(`value "${text}" is not a boolean: expected true or false`);
}
