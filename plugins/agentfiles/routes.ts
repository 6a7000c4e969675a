/**
 * HTTP in, HTTP out: which handler answers which path.
 *
 * @module
 */
import type { Context } from "hono";

import { LoadedLate } from "../../core/loaded_late.ts";
import type { Routes } from "../../core/plugin.ts";
import type { RouteWork } from "./route_work.ts";

/** First segments below `/api/v0` that the plugin owns. */
export const SEGMENTS: readonly string[] = [
  "list-directory",
  "read-file",
  "read-file-lines",
  "write-file",
  "edit-files",
  "resolve-path",
];

type Route = (c: Context, work: RouteWork) => Response | Promise<Response>;

/** Registers every route. The code of each is loaded by its first request: it is most of the plugin. */
export function registerRoutes(routes: Routes, work: RouteWork): void {
  const { app } = routes;
  const onFirstUse = (load: () => Promise<Route>) => {
    const route = new LoadedLate(load);
    return async (c: Context) => (await route.use())(c, work);
  };
  app.post("/list-directory", onFirstUse(async () => (await import("./list_directory_route.ts")).listDirectoryRoute));
  app.get("/read-file", onFirstUse(async () => (await import("./read_file_route.ts")).readFileRoute));
  app.get("/read-file-lines", onFirstUse(async () => (await import("./read_lines_route.ts")).readLinesRoute));
  app.post("/write-file", onFirstUse(async () => (await import("./write_file_route.ts")).writeFileRoute));
  app.post("/edit-files", onFirstUse(async () => (await import("./edit_files_route.ts")).editFilesRoute));
  app.get("/resolve-path", onFirstUse(async () => (await import("./resolve_path_route.ts")).resolvePathRoute));
  routes.describe(async () => (await import("./api.ts")).agentfilesApi);
  // A body is streamed to the disk, however long it is and takes.
  routes.limit("/write-file", { maxBodyBytes: Infinity, handlerMs: Infinity });
  routes.limit("/edit-files", { maxBodyBytes: work.config.maxEditBodyBytes });
}
