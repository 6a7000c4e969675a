/**
 * JSON in and out of routes.
 *
 * @module
 */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";

import { HttpProblem, messageOf, type Validation } from "../errors.ts";

/** Content type of every JSON answer. */
export const JSON_TYPE = "application/json; charset=utf-8";

/** Deepest nesting accepted in a request. Anything that walks a deeper value recursively could overflow the stack. */
const MAX_DEPTH = 1_000;

/**
 * Reads a request's JSON body and checks it. The `Content-Type` does not matter.
 *
 * Only the first JSON value is read; bytes after it are ignored, as are fields a `z.object` schema does not know. Invalid
 * UTF-8 becomes U+FFFD. The body's size is bounded by the route's limit.
 *
 * @throws {HttpProblem} 400 when the body is not JSON, is nested too deeply or does not fit the schema (with one validation
 * per field); 413 when it is too large.
 */
export async function readJson<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const value = parseFirst(await textOf(c));
  if (isDeeperThan(value, MAX_DEPTH)) throw notJson(`value is nested more than ${MAX_DEPTH} levels deep`);
  const result = await schema.safeParseAsync(value);
  if (result.success) return result.data;
  throw new HttpProblem(400, "Validation failed", {
    code: "validation_failed",
    validations: result.error.issues.map(validationOf),
  });
}

/** Answers with one JSON value and a newline. `<`, `>` and `&` are escaped, so that no browser reads markup in it. */
export function json(c: Context, body: unknown, status: ContentfulStatusCode = 200): Response {
  return c.body(encodeJson(body), status, { "content-type": JSON_TYPE });
}

/**
 * Encodes one JSON value and a newline; what no UTF-8 text can hold (a lone surrogate) becomes U+FFFD.
 *
 * @throws {TypeError} When `value` has no JSON form, such as `undefined` or a cycle.
 */
export function encodeJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`Cannot encode ${typeof value} as JSON`);
  const wellFormed = text.includes("\\ud") ? text.replace(ESCAPES, replaceSurrogate) : text;
  return `${wellFormed.replace(MARKUP, escapeMarkup)}\n`;
}

/** Significant to HTML parsers; U+2028 and U+2029 end a line in old JavaScript. */
const MARKUP = /[<>&\u2028\u2029]/g;
/** Every escape sequence, so that a backslash that is itself escaped is not taken for the start of the next one. */
const ESCAPES = /\\(?:u[0-9a-f]{4}|.)/g;

function escapeMarkup(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** `JSON.stringify` escapes surrogates only when they are alone. */
function replaceSurrogate(escape: string): string {
  return escape.startsWith("\\ud") ? "\ufffd" : escape;
}

async function textOf(c: Context): Promise<string> {
  try {
    return await c.req.text();
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem(400, "Cannot read the request body", { detail: messageOf(error), cause: error });
  }
}

function parseFirst(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const end = endOfFirstValue(text);
    if (end === undefined) throw notJson(messageOf(error), error);
    try {
      return JSON.parse(text.slice(0, end));
    } catch (inner) {
      throw notJson(messageOf(inner), inner);
    }
  }
}

function notJson(detail: string, cause?: unknown): HttpProblem {
  return new HttpProblem(400, "Request body must be valid JSON", { detail, cause });
}

const STRING = /"(?:[^"\\]|\\.)*"/sy;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const BRACKET_OR_STRING = /["[\]{}]/g;

/** Where the first value ends if something else follows it. Checks brackets and strings only; parsing does the rest. */
function endOfFirstValue(text: string): number | undefined {
  const start = text.search(/[^ \t\r\n]/);
  if (start < 0) return undefined;
  if (!"[{".includes(text[start]!)) return endOf(text[start] === '"' ? STRING : SCALAR, text, start);

  let depth = 0;
  for (let at = start; at < text.length;) {
    BRACKET_OR_STRING.lastIndex = at;
    const found = BRACKET_OR_STRING.exec(text);
    if (!found) return undefined;
    at = found.index + 1;
    if (found[0] === '"') {
      const end = endOf(STRING, text, found.index);
      if (end === undefined) return undefined;
      at = end;
    } else {
      depth += found[0] === "[" || found[0] === "{" ? 1 : -1;
      if (depth === 0) return at;
    }
  }
  return undefined;
}

function endOf(token: RegExp, text: string, at: number): number | undefined {
  token.lastIndex = at;
  return token.test(text) ? token.lastIndex : undefined;
}

function isDeeperThan(value: unknown, limit: number): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== "object" || item === null) continue;
      for (const key in item) {
        const child = (item as Record<string, unknown>)[key];
        if (typeof child === "object" && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}

function validationOf(issue: z.core.$ZodIssue): Validation {
  return { field: fieldOf(issue.path), detail: issue.message };
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, key) => {
    if (typeof key === "number") return `${field}[${key}]`;
    return field === "" ? String(key) : `${field}.${String(key)}`;
  }, "");
}
