/**
 * HTTP in, HTTP out: which handler answers which path.
 *
 * @module
 */
import type { Context } from "hono";

import { chatIdentityOf } from "../../core/http/chat_identity.ts";
import type { Routes } from "../../core/plugin.ts";
import type { PathActivity } from "../agentgit/service.ts";
import { editFilesRoute } from "./edit_files_route.ts";
import type { FileChangeFeed } from "./file_change_feed.ts";
import type { FileMetrics } from "./file_metrics.ts";
import type { FileWork } from "./file_work.ts";
import { listDirectoryRoute } from "./list_directory_route.ts";
import { readFileRoute } from "./read_file_route.ts";
import { readLinesRoute } from "./read_lines_route.ts";
import { resolvePathRoute } from "./resolve_path_route.ts";
import type { FileChange } from "./service.ts";
import { writeFileRoute } from "./write_file_route.ts";

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

/** First segments below `/api/v0` that the plugin owns. */
export const SEGMENTS: readonly string[] = [
  "list-directory",
  "read-file",
  "read-file-lines",
  "write-file",
  "edit-files",
  "resolve-path",
];

/** Registers every route. */
export function registerRoutes(routes: Routes, work: RouteWork): void {
  const { app } = routes;
  app.post("/list-directory", (c) => listDirectoryRoute(c, work));
  app.get("/read-file", (c) => readFileRoute(c, work));
  app.get("/read-file-lines", (c) => readLinesRoute(c, work));
  app.post("/write-file", (c) => writeFileRoute(c, work));
  app.post("/edit-files", (c) => editFilesRoute(c, work));
  app.get("/resolve-path", (c) => resolvePathRoute(c, work));
  // A body is streamed to the disk, however long it is and takes.
  routes.limit("/write-file", { maxBodyBytes: Infinity, handlerMs: Infinity });
  routes.limit("/edit-files", { maxBodyBytes: work.config.maxEditBodyBytes });
}

/** A change that just took effect, without what the request itself tells. */
export type Effect = Omit<FileChange, "at" | "chatIds" | "toolCallId">;

/** Tells the chat's watchers and the record keepers what a successful request changed. */
export function report(c: Context, work: RouteWork, requestPaths: readonly string[], effects: readonly Effect[]): void {
  const chat = chatIdentityOf(c.req.raw.headers);
  if (chat !== undefined) work.activity?.touched(chat.ids, requestPaths);
  const common = {
    at: work.now(),
    chatIds: chat?.ids ?? [],
    ...(chat?.toolCallId !== undefined && { toolCallId: chat.toolCallId }),
  };
  for (const effect of effects) work.feed.publish({ ...effect, ...common });
}
