import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";

import type { Context } from "hono";

import { HttpProblem, type Validation } from "../errors.ts";
import { readQuery } from "./query.ts";

const SPEC = {
  path: { type: "text", required: true },
  offset: { type: "count" },
  limit: { type: "count", default: 2000 },
  wait: { type: "switch" },
} as const;

function read(query: string) {
  return readQuery({ req: { url: `http://localhost/read-file?${query}` } } as Context, SPEC);
}

function problemsOf(query: string): readonly Validation[] {
  const problem = assertThrows(() => read(query), HttpProblem, "Query parameters have invalid values");
  assertEquals(problem.status, 400);
  return problem.validations ?? [];
}

Deno.test("readQuery() returns typed values and defaults", () => {
  const values = read("path=/a&offset=7&wait=true");
  const offset: number = values.offset;
  const wait: boolean = values.wait;
  // @ts-expect-error a text parameter is no number
  const path: number = values.path;

  assertEquals([path as unknown, offset, values.limit, wait], ["/a", 7, 2000, true]);
});

Deno.test("readQuery() uses the default for a parameter that is present but empty", () => {
  assertEquals(read("path=/a&limit=&offset=&wait="), { path: "/a", offset: 0, limit: 2000, wait: false });
});

Deno.test("readQuery() collects every problem", () => {
  const problems = problemsOf("offset=-1&limit=ten&wait=maybe&color=red&color=blue");

  assertEquals(problems.map((problem) => problem.field), ["path", "offset", "limit", "wait", "color"]);
  assertStringIncludes(problems[0]!.detail, '"path" is required');
  assertStringIncludes(problems[1]!.detail, "value is negative");
  assertStringIncludes(problems[4]!.detail, '"color" is not a valid query param');
});

Deno.test("readQuery() refuses an empty value for a required parameter", () => {
  assertEquals(problemsOf("path=").map((problem) => problem.field), ["path"]);
});

Deno.test("readQuery() takes whole numbers up to the largest signed 64-bit integer and nothing else", () => {
  const offsetOf = (text: string) => read(`path=/a&offset=${encodeURIComponent(text)}`).offset;

  assertEquals(["0", "-0", "+5", "007", "9223372036854775807"].map(offsetOf), [0, 0, 5, 7, 2 ** 63]);
  for (const bad of ["1.5", "1e3", "0x10", " 1", "9223372036854775808", "9".repeat(10_000), "NaN", "-"]) {
    assertEquals(problemsOf(`path=/a&offset=${encodeURIComponent(bad)}`).map((p) => p.field), ["offset"], bad);
  }
});

Deno.test("readQuery() knows no names but its own, not even those every object has", () => {
  assertEquals(problemsOf("path=/a&constructor=1&__proto__=2").map((p) => p.field), ["constructor", "__proto__"]);
});

Deno.test("readQuery() accepts raw characters that survive URL parsing", () => {
  assertEquals(read("path=/tmp/ä b;c?d/{e}").path, "/tmp/ä b;c?d/{e}");
});
