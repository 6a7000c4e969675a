import { assertEquals } from "@std/assert";

import type { StoredChatMessage } from "./chat_store.ts";
import { historyOf, textOf, unansweredOf } from "./history.ts";
import type { ContentBlock, ToolResultBlock, ToolUseBlock } from "./model.ts";

let lastId = 0;
const message = (
  role: StoredChatMessage["role"],
  content: readonly ContentBlock[],
  stopReason?: string,
): StoredChatMessage => ({ id: ++lastId, role, content, createdAt: "now", stopReason });
const text = (words: string) => ({ type: "text" as const, text: words });
const use = (id: string): ToolUseBlock => ({ type: "tool_use", id, name: "look", input: {} });
const result = (id: string): ToolResultBlock => ({ type: "tool_result", tool_use_id: id, content: id });

Deno.test("historyOf() puts results behind the message that asked, in the order of the calls, with what was said next", () => {
  const history = historyOf([
    message("user", [text("go")]),
    message("assistant", [text("So"), use("a"), use("b")], "tool_use"),
    message("tool", [result("b")]),
    message("tool", [result("a")]),
    message("user", [text("more")]),
    message("assistant", [text("Done")], "end_turn"),
  ]);

  assertEquals(history, [
    { role: "user", content: [text("go")] },
    { role: "assistant", content: [text("So"), use("a"), use("b")] },
    { role: "user", content: [result("a"), result("b"), text("more")] },
    { role: "assistant", content: [text("Done")] },
  ]);
});

Deno.test("historyOf() joins messages of one side, and leaves out empty ones and refused answers", () => {
  const history = historyOf([
    message("user", [text("one")]),
    message("assistant", [], "end_turn"),
    message("user", [text("two")]),
    message("assistant", [text("I will"), use("a")], "refusal"),
    message("user", [text("three")]),
    message("assistant", [text("Part")], "pause_turn"),
    message("assistant", [text("rest")], "end_turn"),
  ]);

  assertEquals(history, [
    { role: "user", content: [text("one"), text("two"), text("three")] },
    { role: "assistant", content: [text("Part"), text("rest")] },
  ]);
});

/** The numbers of the pictures that a model is told when it was shown so many, one per call and a text beside each. */
function toldOf(count: number): readonly number[] {
  const numbers = Array.from({ length: count }, (_, index) => index);
  const history = historyOf(numbers.flatMap((index) => [
    message("assistant", [use(`${count}-${index}`)], "tool_use"),
    message("tool", [{
      ...result(`${count}-${index}`),
      content: [
        { type: "image", source: { type: "base64", media_type: "image/png", data: String(index) } },
        text("beside"),
      ],
    }]),
  ]));
  const parts = history.flatMap(({ content }) => content).flatMap((block) => {
    return block.type === "tool_result" && typeof block.content !== "string" ? block.content : [];
  });
  assertEquals(parts.length, 2 * count);
  return parts.flatMap((part) => part.type === "image" ? [Number(part.source.data)] : []);
}

Deno.test("historyOf() leaves out the oldest pictures, twenty at a time, and says so in their place", () => {
  const ends = [0, 39, 40, 59, 60].map((count) => {
    const told = toldOf(count);
    return [told.length, told[0], told.at(-1)];
  });

  assertEquals(ends, [[0, undefined, undefined], [39, 0, 38], [20, 20, 39], [39, 20, 58], [20, 40, 59]]);
});

Deno.test("unansweredOf() finds calls without a result, but not those of refused answers", () => {
  const open = unansweredOf([
    message("assistant", [use("a"), use("b")], "tool_use"),
    message("tool", [result("a")]),
    message("assistant", [use("c")], "refusal"),
  ]);

  assertEquals(open.map(({ id }) => id), ["b"]);
});

Deno.test("textOf() joins the words of a message and nothing else", () => {
  assertEquals(textOf([text(" one "), use("a"), text("two\n")]), "one \n\ntwo");
});
