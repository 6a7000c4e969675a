/**
 * What is remembered of chats. Times are RFC 3339 texts in UTC.
 *
 * @module
 */
import type { ContentBlock } from "./model.ts";

/** What a chat is for: it decides which tools its model gets. */
export type ChatMode = "default" | "computer_use";

/** Where a chat stands: waiting for its user, about to work, at work, or stopped by an error until its user says more. */
export type ChatStatus = "waiting" | "pending" | "running" | "error";

/** A conversation of a user, or of another chat, with a model in a workspace. */
export interface Chat {
  /** UUID. */
  readonly id: string;
  /** The chat that made this one. */
  readonly parentId?: string;
  /** The topmost chat above; absent when there is none. */
  readonly rootId?: string;
  readonly title: string;
  /** `owner/workspace`; absent for a chat without tools. */
  readonly workspace?: string;
  /** The agent to prefer among those of the workspace. */
  readonly agentId?: string;
  /** Name of the model. */
  readonly model: string;
  readonly mode: ChatMode;
  readonly status: ChatStatus;
  /** Why {@linkcode status} is `error`. */
  readonly error?: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly archivedAt?: string;
}

/** Who says something: `tool` is one result of one call. */
export type ChatRole = "user" | "assistant" | "tool";

/** Something that was said. */
export interface ChatMessage {
  readonly role: ChatRole;
  readonly content: readonly ContentBlock[];
  readonly createdAt: string;
  /** Why the model stopped; of assistants only. */
  readonly stopReason?: string;
}
/** A message with its place in the order of all messages. */
export interface StoredChatMessage extends ChatMessage {
  readonly id: number;
}

/** Which chats are wanted; what is absent does not limit. */
export interface ChatFilter {
  /** Direct children of this chat. */
  readonly parentId?: string;
  /** Only chats without, or with, a parent. */
  readonly isRoot?: boolean;
  readonly isArchived?: boolean;
  /** Most chats returned. */
  readonly limit?: number;
}

/** Keeps chats. A call that returned has been written to the disk, if there is one. */
export interface ChatStore extends Disposable {
  /** Adds a chat, or replaces the one with its id. */
  save(chat: Chat): void;
  chat(id: string): Chat | undefined;
  /** Newest first. */
  chats(filter?: ChatFilter): readonly Chat[];

  /** Adds a message at the end of its chat. */
  addMessage(chatId: string, message: ChatMessage): StoredChatMessage;
  /** In their order; with `after`, only those after that id. */
  messages(chatId: string, after?: number): readonly StoredChatMessage[];

  /** Keeps what the user says until the chat can hear it. */
  queue(chatId: string, message: ChatMessage): void;
  /** What is queued, oldest first. */
  queued(chatId: string): readonly ChatMessage[];
  /** Moves everything queued to the end of the chat. Returns how much that was. */
  takeQueued(chatId: string): number;
  /** Forgets what is queued. */
  clearQueue(chatId: string): void;
}
