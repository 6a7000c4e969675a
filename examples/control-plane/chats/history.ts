/**
 * From what was said in a chat to what its model is told.
 *
 * @module
 */
import type { StoredChatMessage } from "./chat_store.ts";
import type { ContentBlock, ImageBlock, ModelMessage, TextBlock, ToolResultBlock, ToolUseBlock } from "./model.ts";

/** Newest pictures that a model is always told: more steps back than it looks. Together at most some 30,000 tokens. */
const KEPT_PICTURES = 20;
const LEFT_OUT: TextBlock = { type: "text", text: "(An earlier picture, left out because it is old)" };

/**
 * The conversation as a provider takes it: results of tools directly after the message that asked for them, in the order of
 * the calls; messages of one side joined; no empty messages. What a model said and refused to finish is left out: providers
 * ask for that. Old pictures are left out too.
 */
export function historyOf(messages: readonly StoredChatMessage[]): readonly ModelMessage[] {
  const results = withoutOldPictures(resultsOf(messages));
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

/**
 * Results without the oldest pictures. They go by {@linkcode KEPT_PICTURES} at a time, so that the beginning of a conversation,
 * which providers cache, changes rarely.
 */
function withoutOldPictures(results: ReadonlyMap<string, ToolResultBlock>): ReadonlyMap<string, ToolResultBlock> {
  const count = [...results.values()].reduce((sum, { content }) => sum + picturesIn(content), 0);
  let left = Math.max(0, Math.floor(count / KEPT_PICTURES) - 1) * KEPT_PICTURES;
  const shown = (part: TextBlock | ImageBlock) => part.type === "image" && left-- > 0 ? LEFT_OUT : part;
  return new Map([...results].map(([id, result]) => {
    const { content } = result;
    return [id, typeof content === "string" ? result : { ...result, content: content.map(shown) }];
  }));
}

function picturesIn(content: ToolResultBlock["content"]): number {
  return typeof content === "string" ? 0 : content.filter(({ type }) => type === "image").length;
}

function resultsOf(messages: readonly StoredChatMessage[]): ReadonlyMap<string, ToolResultBlock> {
  return new Map(
    messages.flatMap(({ content }) => content).flatMap((block) =>
      block.type === "tool_result" ? [[block.tool_use_id, block] as const] : []
    ),
  );
}
