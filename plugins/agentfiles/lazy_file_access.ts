/**
 * The file service, whose code is loaded by its first use: it is most of the plugin.
 *
 * @module
 */
import { LoadedLate } from "../../core/loaded_late.ts";
import type { RouteWork } from "./route_work.ts";
import type { FileAccess } from "./service.ts";

/** Serves other plugins with what the routes work on. */
export function lazyFileAccess(work: RouteWork): FileAccess {
  const access = new LoadedLate(async () => (await import("./file_access.ts")).fileAccess(work));
  return {
    readLines: async (request) => await (await access.use()).readLines(request),
    read: async (request) => await (await access.use()).read(request),
    write: async (request, chat) => await (await access.use()).write(request, chat),
    edit: async (files, chat) => await (await access.use()).edit(files, chat),
    list: async (path) => await (await access.use()).list(path),
  };
}
