/**
 * From what was said in a chat to what its model is told.
 *
 * @module
 */
import type { StoredChatMessage } from "./chat_store.ts";
import type { ContentBlock, ModelMessage, ToolResultBlock, ToolUseBlock } from "./model.ts";

/**
 * The conversation as a provider takes it: results of tools directly after the message that asked for them, in the order of
 * the calls; messages of one side joined; no empty messages. What a model said and refused to finish is left out: providers
 * ask for that.
 */
export function historyOf(messages: readonly StoredChatMessage[]): readonly ModelMessage[] {
  const results = resultsOf(messages);
  const history: { role: ModelMessage["role"]; content: ContentBlock[] }[] = [];
  function say(role: ModelMessage["role"], content: readonly ContentBlock[]): void {
    if (content.length === 0) return;
    const last = history.at(-1);
    if (last?.role === role) last.content.push(...content);
    else history.push({ role, content: [...content] });
  }
  for (const { role, content, stopReason } of messages) {
    if (role === "user") say("user", content);
    if (role !== "assistant" || stopReason === "refusal") continue;
    say("assistant", content);
    say("user", toolUsesOf(content).flatMap(({ id }) => results.get(id) ?? []));
  }
  return history;
}

/** Calls of tools whose result is missing. */
export function unansweredOf(messages: readonly StoredChatMessage[]): readonly ToolUseBlock[] {
  const results = resultsOf(messages);
  return messages.filter(({ role, stopReason }) => role === "assistant" && stopReason !== "refusal")
    .flatMap(({ content }) => toolUsesOf(content)).filter(({ id }) => !results.has(id));
}

/** The calls of tools in a message. */
export function toolUsesOf(content: readonly ContentBlock[]): readonly ToolUseBlock[] {
  return content.filter((block) => block.type === "tool_use");
}

/** The words of a message. */
export function textOf(content: readonly ContentBlock[]): string {
  return content.flatMap((block) => block.type === "text" ? [block.text] : []).join("\n\n").trim();
}

function resultsOf(messages: readonly StoredChatMessage[]): ReadonlyMap<string, ToolResultBlock> {
  return new Map(
    messages.flatMap(({ content }) => content).flatMap((block) =>
      block.type === "tool_result" ? [[block.tool_use_id, block] as const] : []
    ),
  );
}
