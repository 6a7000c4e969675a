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
