/**
 * How an agent learns on whose behalf it is asked.
 *
 * @module
 */
import { derivedUuid } from "../uuid.ts";
import type { Chat } from "./chat_store.ts";

/** Who asks. */
export interface ChatCaller {
  readonly chat: Pick<Chat, "id" | "parentId">;
  /** Id of the model's call; agents take a UUID only, so they get one that stands for it. */
  readonly toolUseId?: string;
}

/** Headers of every request and WebSocket of a chat. Only the direct parent is told; for a chat without one, the text `null`. */
export function chatHeaders({ chat: { id, parentId }, toolUseId }: ChatCaller): Readonly<Record<string, string>> {
  return {
    "coder-chat-id": id,
    "coder-ancestor-chat-ids": JSON.stringify(parentId === undefined ? null : [parentId]),
    ...(toolUseId !== undefined && { "coder-tool-call-id": derivedUuid(id, toolUseId) }),
  };
}
