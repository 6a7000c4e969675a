/**
 * What is shown of chats, as JSON.
 *
 * @module
 */
import type { Chat, ChatMessage, StoredChatMessage } from "./chat_store.ts";

/** One chat. */
export function chatView(chat: Chat): Readonly<Record<string, unknown>> {
  return {
    id: chat.id,
    parent_chat_id: chat.parentId,
    root_chat_id: chat.rootId,
    title: chat.title,
    workspace: chat.workspace,
    agent_id: chat.agentId,
    model: chat.model,
    mode: chat.mode,
    status: chat.status,
    last_error: chat.error,
    archived: chat.archivedAt !== undefined,
    created_at: chat.createdAt,
    updated_at: chat.updatedAt,
  };
}

/** One message. */
export function messageView(
  { id, stopReason, createdAt, ...message }: StoredChatMessage,
): Readonly<Record<string, unknown>> {
  return { id, ...message, stop_reason: stopReason, created_at: createdAt };
}

/** Something the chat has still to hear. */
export function queuedView({ content, createdAt }: ChatMessage): Readonly<Record<string, unknown>> {
  return { content, created_at: createdAt };
}
