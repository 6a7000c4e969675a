/**
 * The file service, whose code is loaded by its first use: it is most of the plugin.
 *
 * @module
 */
import type { RouteWork } from "./route_work.ts";
import type { FileAccess } from "./service.ts";

/** Serves other plugins with what the routes work on. */
export function lazyFileAccess(work: RouteWork): FileAccess {
  let loaded: Promise<FileAccess> | undefined;
  const access = () => loaded ??= import("./file_access.ts").then(({ fileAccess }) => fileAccess(work));
  return {
    readLines: async (request) => await (await access()).readLines(request),
    read: async (request) => await (await access()).read(request),
    write: async (request, chat) => await (await access()).write(request, chat),
    edit: async (files, chat) => await (await access()).edit(files, chat),
    list: async (path) => await (await access()).list(path),
  };
}
