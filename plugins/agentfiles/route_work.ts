/**
 * What every route works with, and how it tells others what it did.
 *
 * @module
 */
import type { ChatIdentity } from "../../core/http/chat_identity.ts";
import type { PathActivity } from "../agentgit/service.ts";
import type { FileChangeFeed } from "./file_change_feed.ts";
import type { FileMetrics } from "./file_metrics.ts";
import type { FileWork } from "./file_work.ts";
import type { FileChange } from "./service.ts";

/** What the routes work with. */
export interface RouteWork extends FileWork {
  readonly metrics: FileMetrics;
  readonly feed: FileChangeFeed;
  readonly activity?: PathActivity;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The user's home directory. */
  readonly home: () => Promise<string>;
}

/** A change that just took effect, without what the request itself tells. */
export type Effect = Omit<FileChange, "at" | "chatIds" | "toolCallId">;

/** Tells the chat's watchers and the record keepers what a successful request changed. */
export function report(
  chat: ChatIdentity | undefined,
  work: RouteWork,
  requestPaths: readonly string[],
  effects: readonly Effect[],
): void {
  if (chat !== undefined) work.activity?.touched(chat.ids, requestPaths);
  const common = {
    at: work.now(),
    chatIds: chat?.ids ?? [],
    ...(chat?.toolCallId !== undefined && { toolCallId: chat.toolCallId }),
  };
  for (const effect of effects) work.feed.publish({ ...effect, ...common });
}
