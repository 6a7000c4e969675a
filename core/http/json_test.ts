import { assertEquals, assertStringIncludes } from "@std/assert";

import { Hono } from "hono";
import { z } from "zod";

import { HttpProblem } from "../errors.ts";
import { json, readJson } from "./json.ts";
import { problemResponse } from "./problem.ts";

const edits = z.object({ files: z.array(z.object({ path: z.string() })), all: z.boolean().optional() });

async function send(body: BodyInit, schema: z.ZodType = edits) {
  const app = new Hono();
  app.post("/", async (c) => json(c, await readJson(c, schema)));
  app.onError((error) => problemResponse(error, {}));
  const response = await app.request("/", { method: "POST", body });
  return { status: response.status, body: await response.json() };
}

async function answer(value: unknown): Promise<Response> {
  const app = new Hono();
  app.get("/", (c) => json(c, value, 201));
  return await app.request("/");
}

Deno.test("readJson() returns the checked value without fields the schema does not know", async () => {
  const sent = await send('{"files":[{"path":"/a","mode":7}],"extra":1}');

  assertEquals(sent, { status: 200, body: { files: [{ path: "/a" }] } });
});

Deno.test("readJson() refuses what is not JSON and says where", async () => {
  for (const body of ["", "   ", "{", '{"files":', "[}", "nope", '"open', "{'a':1}", '{"a":1,}', "]", "-"]) {
    const sent = await send(body);

    assertEquals(sent.status, 400, body);
    assertStringIncludes(sent.body.message, "valid JSON");
    assertEquals(typeof sent.body.detail, "string", body);
  }
});

Deno.test("readJson() ignores bytes after the first value", async () => {
  assertEquals((await send('{"files":[]} trailing')).status, 200);
  assertEquals((await send('{"files":[{"path":"}]\\""}]}{"files":7}')).body, { files: [{ path: '}]"' }] });
  assertEquals((await send("12.5e1]", z.number())).body, 125);
  assertEquals((await send("null,", z.null())).body, null);
  assertEquals((await send(' "a\\"b" x', z.string())).body, 'a"b');
});

Deno.test("readJson() names the field of every problem", async () => {
  const sent = await send('{"files":[{"path":"/a"},{"path":7}],"all":"yes"}');

  assertEquals(sent.status, 400);
  assertEquals(sent.body.code, "validation_failed");
  assertStringIncludes(sent.body.message, "Validation failed");
  assertEquals(sent.body.validations.map((v: { field: string }) => v.field), ["files[1].path", "all"]);
});

Deno.test("readJson() answers a value of another type with 400", async () => {
  for (const body of ["7", "null", '"text"', "[]", "true"]) assertEquals((await send(body)).status, 400, body);
});

Deno.test("readJson() answers deep nesting with 400 instead of overflowing the stack", async () => {
  const deep = "[".repeat(100_000);

  assertEquals((await send(deep)).status, 400);
  assertEquals((await send(deep + "]".repeat(100_000))).status, 400);
  assertEquals((await send(`{"files":[],"x":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`)).status, 400);
  assertEquals((await send("[".repeat(1_000) + "]".repeat(1_000), z.array(z.unknown()))).status, 200);
});

Deno.test("readJson() replaces invalid UTF-8", async () => {
  const body = new Uint8Array([0x22, 0x61, 0xff, 0x22]);

  assertEquals((await send(body, z.string())).body, "a\ufffd");
});

Deno.test("readJson() passes on the problem of a body that is too large", async () => {
  const app = new Hono();
  app.post("/", async (c) => json(c, await readJson(c, edits)));
  app.onError((error) => problemResponse(error, {}));
  const body = new ReadableStream({
    pull: (controller) => controller.error(new HttpProblem(413, "too large")),
  });

  const response = await app.request("/", { method: "POST", body });

  assertEquals(response.status, 413);
  assertEquals((await response.json()).code, "body_too_large");
});

Deno.test("json() sends one value, a newline and the content type with its charset", async () => {
  const response = await answer({ a: [1, "ü"] });

  assertEquals(response.status, 201);
  assertEquals(response.headers.get("content-type"), "application/json; charset=utf-8");
  assertEquals(await response.text(), '{"a":[1,"ü"]}\n');
});

Deno.test("json() escapes what HTML and old JavaScript would act on", async () => {
  const value = { "<b>": "a & b > c\u2028\u2029" };
  const text = await (await answer(value)).text();

  assertEquals(text, '{"\\u003cb\\u003e":"a \\u0026 b \\u003e c\\u2028\\u2029"}\n');
  assertEquals(JSON.parse(text), value);
});

Deno.test("json() replaces lone surrogates and leaves pairs and escaped backslashes alone", async () => {
  const value = { lone: "a\ud800b\udc00", pair: "😀", literal: "\\ud800", both: "\\\ud800" };

  const text = await (await answer(value)).text();

  assertEquals(JSON.parse(text), { lone: "a\ufffdb\ufffd", pair: "😀", literal: "\\ud800", both: "\\\ufffd" });
});
