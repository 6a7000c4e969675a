import { assertEquals } from "@std/assert";

import { errorOf } from "./api_error.ts";

Deno.test("errorOf() repeats the agent's words with their detail, and keeps status and code", async () => {
  const body = { message: "Cannot start", detail: "no such program", code: "spawn_failed" };

  const error = await errorOf(Response.json(body, { status: 500 }));

  assertEquals([error.status, error.code, error.message], [500, "spawn_failed", "Cannot start: no such program"]);
  assertEquals(error.problem, body);
});

Deno.test("errorOf() shows the text of an answer that is not the agent's", async () => {
  const proxy = await errorOf(new Response("<h1>Bad gateway</h1>\n", { status: 502 }));
  const silent = await errorOf(new Response(null, { status: 504 }));

  assertEquals([proxy.status, proxy.code, proxy.message], [502, "unknown", "<h1>Bad gateway</h1>"]);
  assertEquals(silent.message, "The agent answered with an error and no text");
});

Deno.test("errorOf() does not read an error body without end", async () => {
  const chunk = new TextEncoder().encode("x".repeat(64 * 1024));
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });

  const error = await errorOf(new Response(endless, { status: 502 }));

  assertEquals([error.status, error.message.length], [502, 256 * 1024]);
});
