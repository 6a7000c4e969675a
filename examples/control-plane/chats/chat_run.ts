/**
 * One run of a chat: the model and its tools take turns until there is nothing left to do.
 *
 * @module
 */
import { messageOf } from "../../../core/errors.ts";
import type { ChatMessage, ChatStore } from "./chat_store.ts";
import { callTool, type ChatTool, errorResult } from "./chat_tools.ts";
import { historyOf, toolUsesOf, unansweredOf } from "./history.ts";
import { type Model, ModelError, type ModelReply, type ToolUseBlock } from "./model.ts";

/** Answers of the model in one run when nobody says otherwise: far above what a task takes, so that only loops meet it. */
export const DEFAULT_MAX_TURNS = 200;

/** What a run works with. */
export interface ChatRunOptions {
  readonly chatId: string;
  readonly store: ChatStore;
  readonly model: Model;
  readonly system: string;
  readonly tools: readonly ChatTool[];
  /** Most answers of the model. */
  readonly maxTurns: number;
  /** The time, as texts in the store have it. */
  readonly now: () => string;
  /** Told after every message that was added. */
  readonly changed: () => void;
}

/**
 * Runs until the model has said its last word and nothing is queued.
 *
 * @throws {ModelError} When the model cannot go on, with the reason for a person.
 * @throws The reason of `signal` once it is aborted. Calls under way have got a result that says so.
 */
export async function runChat(options: ChatRunOptions, signal: AbortSignal): Promise<void> {
  const { chatId, store, model, system, tools, maxTurns, changed } = options;
  const definitions = tools.map(({ definition }) => definition);
  for (let turn = 0; turn < maxTurns; turn++) {
    if (store.takeQueued(chatId) > 0) changed();
    const messages = historyOf(store.messages(chatId));
    const reply = await model.reply({ system, messages, tools: definitions }, signal);
    signal.throwIfAborted();
    add(options, { role: "assistant", content: reply.content, stopReason: reply.stopReason });
    const isOver = await goOn(reply, options, signal);
    if (isOver && store.queued(chatId).length === 0) return;
  }
  throw new ModelError(`Stopped after ${maxTurns} answers of the model: say something to let it go on`);
}

/** Gives every call without a result one that says why. Returns whether there were any. */
export function answerOpenCalls(options: Pick<ChatRunOptions, "chatId" | "store" | "now">, why: string): boolean {
  const open = unansweredOf(options.store.messages(options.chatId));
  for (const use of open) {
    options.store.addMessage(options.chatId, {
      ...{ role: "tool", content: [errorResult(use, why)], createdAt: options.now() },
    });
  }
  return open.length > 0;
}

/** What follows an answer. Returns whether the model is done. */
async function goOn(reply: ModelReply, options: ChatRunOptions, signal: AbortSignal): Promise<boolean> {
  const uses = toolUsesOf(reply.content);
  switch (reply.stopReason) {
    case "tool_use":
      await callAll(uses, options, signal);
      return uses.length === 0;
    case "pause_turn":
      return false;
    case "refusal":
      throw new ModelError("The model refused to go on: say it in another way");
    case "max_tokens":
    case "model_context_window_exceeded":
      // The last call may have lost its end, so none is made.
      answerOpenCalls(options, "The answer was cut at its longest length, so this call was not made");
      throw new ModelError(`The model's answer was cut (${reply.stopReason}): say something to let it go on`);
    default:
      if (uses.length > 0) {
        answerOpenCalls(options, `The model stopped (${reply.stopReason}), so this call was not made`);
      }
      return true;
  }
}

/** All at once; each result is stored when it is there. */
async function callAll(uses: readonly ToolUseBlock[], options: ChatRunOptions, signal: AbortSignal): Promise<void> {
  const { tools } = options;
  const calls = uses.map(async (use) => {
    let result;
    try {
      result = await callTool(use, tools, signal);
    } catch {
      // Only an abort comes here. What the call began in the workspace may go on.
      result = errorResult(use, `Interrupted: ${messageOf(signal.reason)}. A command may still run: see process_list`);
    }
    add(options, { role: "tool", content: [result] });
  });
  await Promise.all(calls);
  signal.throwIfAborted();
}

function add({ store, chatId, now, changed }: ChatRunOptions, message: Omit<ChatMessage, "createdAt">): void {
  store.addMessage(chatId, { ...message, createdAt: now() });
  changed();
}
