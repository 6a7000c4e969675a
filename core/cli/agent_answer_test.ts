import { assertEquals, assertRejects } from "@std/assert";

import { AgentRefusedError, answerOf, refusalOf } from "./agent_answer.ts";

Deno.test("answerOf() gives the body of a good answer", async () => {
  assertEquals(await answerOf(Response.json({ a: 1 })), { a: 1 });
});

Deno.test("answerOf() rejects with the agent's own words", async () => {
  const refusal = Response.json({ message: "Too many", detail: "limit is 4", code: "x" }, { status: 429 });

  const error = await assertRejects(() => answerOf(refusal), AgentRefusedError);

  assertEquals([error.status, error.message], [429, "Too many: limit is 4"]);
});

Deno.test("answerOf() shows what is not JSON, and says so when there is nothing to show", async () => {
  const reject = (text: string) =>
    assertRejects(() => answerOf(new Response(text, { status: 502 })), AgentRefusedError);

  assertEquals((await reject("bad gateway\n")).message, "bad gateway");
  assertEquals((await reject("")).message, "The agent answered with an error and no text");
});

Deno.test("refusalOf() does not read an error body without end", async () => {
  const chunk = new TextEncoder().encode("x".repeat(64 * 1024));
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });

  const refusal = await refusalOf(new Response(endless, { status: 502 }));

  assertEquals([refusal.status, refusal.message.length], [502, 256 * 1024]);
});
