/**
 * The file operations as a service for other plugins.
 *
 * @module
 */
import { diffOf, editReported, requestsOf } from "./edit_files_route.ts";
import { fileProblem } from "./file_errors.ts";
import { requireAbsolute } from "./file_work.ts";
import { listDirectory } from "./list_directory.ts";
import { listProblem } from "./list_directory_route.ts";
import { mimeTypeOf } from "./mime_types.ts";
import { openReading } from "./read_file.ts";
import { LINE_LIMITS, linesOf } from "./read_lines_route.ts";
import type { RouteWork } from "./route_work.ts";
import type { FileAccess, FileBytes } from "./service.ts";
import { UNCONDITIONAL } from "./version_tag.ts";
import { writeReported } from "./write_file_route.ts";

/** Serves other plugins with what the routes work on. Loading this module loads the routes' code. */
export function fileAccess(work: RouteWork): FileAccess {
  return {
    readLines: ({ path, offset = LINE_LIMITS.offset, limit = LINE_LIMITS.limit }) =>
      linesOf(work, { ...LINE_LIMITS, path, offset, limit }),
    read: ({ path, offset = 0, limit }) => readBytes(work, path, { offset, limit }),
    async write({ path, content }, chat) {
      await writeReported(work, { path, body: new Blob([content]).stream(), precondition: UNCONDITIONAL }, chat);
    },
    async edit(files, chat) {
      const body = {
        include_diff: true,
        files: files.map(({ path, edits }) => ({
          path,
          edits: edits.map(({ search, replace, replaceAll = false }) => ({ search, replace, replace_all: replaceAll })),
          if_match: null,
        })),
      };
      return (await editReported(work, () => requestsOf(body, UNCONDITIONAL, work), chat)).map(diffOf);
    },
    async list(path) {
      try {
        requireAbsolute(path);
        return await listDirectory(work.files, path);
      } catch (error) {
        throw listProblem(error, path);
      }
    },
  };
}

async function readBytes(
  work: RouteWork,
  path: string,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<FileBytes> {
  try {
    requireAbsolute(path);
    // One byte more than asked for tells whether there is more.
    const reading = await openReading(work, path, { offset, limit: limit + 1 });
    const all = reading.body instanceof Uint8Array
      ? reading.body
      : new Uint8Array(await new Response(reading.body).arrayBuffer());
    const bytes = all.subarray(0, limit);
    work.metrics.readBytes.add(bytes.length);
    return { bytes, mediaType: mimeTypeOf(path), more: all.length > limit };
  } catch (error) {
    throw fileProblem(error, "open", path);
  }
}
