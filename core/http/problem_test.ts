import { assertEquals, assertStringIncludes } from "@std/assert";

import { HTTPException } from "hono/http-exception";

import { HttpProblem } from "../errors.ts";
import { problemOf, problemResponse } from "./problem.ts";

Deno.test("problemResponse() sends everything an HttpProblem says, and where it happened", async () => {
  const problem = new HttpProblem(429, "Cannot start process", {
    code: "process_limit",
    detail: "64 are alive",
    validations: [{ field: "command", detail: "is required" }],
    headers: { "retry-after": "3" },
  });

  const response = problemResponse(problem, { plugin: "agentproc", requestId: "r1" });

  assertEquals(response.status, 429);
  assertEquals(response.headers.get("retry-after"), "3");
  assertEquals(response.headers.get("content-type"), "application/json; charset=utf-8");
  assertEquals(await response.json(), {
    message: "Cannot start process",
    detail: "64 are alive",
    validations: [{ field: "command", detail: "is required" }],
    code: "process_limit",
    plugin: "agentproc",
    requestId: "r1",
  });
});

Deno.test("problemResponse() leaves out fields without a value", async () => {
  const response = problemResponse(new HttpProblem(404, "No such process", { detail: "", validations: [] }), {});

  assertEquals(await response.json(), { message: "No such process", code: "not_found" });
});

Deno.test("problemResponse() tells nothing of an unexpected error but where to look it up", async () => {
  for (const thrown of [new Error("secret at /root/key"), "secret", undefined, null, { secret: 1 }]) {
    const response = problemResponse(thrown, { requestId: "r1" });

    assertEquals(response.status, 500);
    const text = await response.text();
    assertEquals(text.includes("secret"), false);
    assertStringIncludes(text, '"code":"internal","requestId":"r1"');
  }
});

Deno.test("problemOf() understands Hono's own exception and an HttpProblem of another copy of the core", () => {
  class Foreign extends Error {
    override readonly name = "HttpProblem";
    readonly status = 409;
    readonly code = "acme_busy";
    readonly headers = {};
  }

  assertEquals(problemOf(new HTTPException(418, { message: "teapot" })).status, 418);
  assertEquals(problemOf(new Foreign("busy")).status, 409);
  assertEquals(problemOf(new Foreign("busy")).code, "acme_busy");
});
