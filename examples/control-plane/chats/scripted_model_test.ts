import { assertEquals, assertRejects } from "@std/assert";

import { ModelError, type ModelMessage } from "./model.ts";
import { scriptedModel, type ScriptEntry } from "./scripted_model.ts";

const never = new AbortController().signal;
const user = (text: string): ModelMessage => ({ role: "user", content: [{ type: "text", text }] });
const ask = (steps: readonly ScriptEntry[], messages: readonly ModelMessage[]) =>
  scriptedModel([{ when: /^go/, steps }]).reply({ system: "", messages, tools: [] }, never);

Deno.test("scriptedModel() answers with the step that its own answers in the history lead to", async () => {
  const steps = [{ say: "One", use: [{ tool: "look" }, { tool: "run", input: { a: 1 } }] }, { say: "Two" }];
  const results: ModelMessage = {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "toolu_1_1", content: '{"x": 1}' },
      { type: "tool_result", tool_use_id: "toolu_1_2", content: [{ type: "text", text: "plain" }] },
    ],
  };

  const first = await ask(steps, [user("go")]);
  const second = await ask(
    [steps[0]!, ({ results, values }) => ({ say: JSON.stringify([results, values]) })],
    [user("go"), { role: "assistant", content: first.content }, results],
  );

  assertEquals(first, {
    content: [
      { type: "text", text: "One" },
      { type: "tool_use", id: "toolu_1_1", name: "look", input: {} },
      { type: "tool_use", id: "toolu_1_2", name: "run", input: { a: 1 } },
    ],
    stopReason: "tool_use",
  });
  assertEquals(second.content, [{ type: "text", text: '[["{\\"x\\": 1}","plain"],[{"x":1},"plain"]]' }]);
});

Deno.test("scriptedModel() fails where no script fits, the script is over, or a step says so", async () => {
  await assertRejects(() => ask([], [user("stop")]), ModelError, 'No script fits "stop"');
  await assertRejects(() => ask([], [user("go")]), ModelError, "has 0 steps and is over");
  await assertRejects(() => ask([{ fail: "overloaded" }], [user("go")]), ModelError, "overloaded");
});
