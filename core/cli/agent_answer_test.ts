import { assertEquals, assertRejects } from "@std/assert";

import { AgentRefusedError, answerOf } from "./agent_answer.ts";

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
