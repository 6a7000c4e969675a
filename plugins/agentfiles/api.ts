/**
 * What the file routes take and answer. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import { CHAT_HEADERS } from "../../core/http/route_description.ts";
import type { RouteDescription } from "../../core/plugin.ts";
import { EDIT_BODY } from "./edit_files_route.ts";
import { LIST_BODY, LIST_QUERY } from "./list_directory_route.ts";
import { READ_QUERY } from "./read_file_route.ts";
import { LINES_QUERY } from "./read_lines_route.ts";
import { RESOLVE_QUERY } from "./resolve_path_route.ts";
import type { DirectoryListing } from "./service.ts";
import { WRITE_QUERY } from "./write_file_route.ts";

const LISTING: z.ZodType<DirectoryListing> = z.object({
  absolute_path: z.array(z.string()).describe("Components of the path."),
  absolute_path_string: z.string(),
  contents: z.array(
    z.object({
      name: z.string(),
      absolute_path_string: z.string(),
      is_dir: z.boolean().describe("`false` for a symbolic link to a directory."),
    }).meta({ id: "DirectoryEntry" }),
  ).describe("Directories first."),
}).meta({ id: "DirectoryListing" });

const LINES = z.object({
  success: z.boolean(),
  error: z.string().optional().describe("Why it did not work."),
  file_size: z.int().optional().describe("Bytes."),
  total_lines: z.int().optional(),
  lines_read: z.int().optional(),
  content: z.string().optional().describe("Numbered lines."),
}).meta({ id: "FileLines" });

const EDITED = z.object({
  files: z.array(z.object({ path: z.string(), diff: z.string() }).meta({ id: "FileDiff" })).optional()
    .describe("Unified diffs in the order of the request, when they were asked for."),
}).meta({ id: "EditedFiles" });

const ETAG = { etag: "The file's version." };
const CONDITIONS = {
  "if-match": "Versions the file may have, or `*` for any.",
  "if-none-match": "`*`: the file must not exist.",
};
const INVALID = { summary: "The request is malformed, or the path names no regular file." };
const MISSING = { summary: "There is no such file." };
const DENIED = { summary: "The agent's user may not do that." };
const FAILED = { summary: "The system failed; nothing is half done." };

/** Every route of the file plugin. */
export const agentfilesApi: readonly RouteDescription[] = [
  {
    operation: "files.list",
    method: "post",
    path: "/list-directory",
    summary: "Lists one directory.",
    query: LIST_QUERY,
    body: { schema: LIST_BODY },
    answers: {
      200: { summary: "Its entries.", schema: LISTING },
      400: INVALID,
      403: DENIED,
      404: { summary: "There is no such directory." },
      500: { summary: "Anything else, such as a path that is no directory or an unknown base." },
    },
  },
  {
    operation: "files.read",
    method: "get",
    path: "/read-file",
    summary: "Reads bytes of a file.",
    query: READ_QUERY,
    headers: { "if-none-match": "Version that is known: 304 when the file still has it." },
    answers: {
      200: { summary: "The bytes, with a media type by extension.", mediaType: "*/*", headers: ETAG },
      304: { summary: "Nothing has changed.", headers: ETAG },
      400: INVALID,
      403: DENIED,
      404: MISSING,
      409: { summary: "The file became shorter meanwhile." },
      500: FAILED,
    },
  },
  {
    operation: "files.lines",
    method: "get",
    path: "/read-file-lines",
    summary: "Reads numbered lines for a model.",
    query: LINES_QUERY,
    answers: { 200: { summary: "`success` says whether it worked.", schema: LINES }, 400: INVALID },
  },
  {
    operation: "files.write",
    method: "post",
    path: "/write-file",
    summary: "Writes a whole file, and the directories above it.",
    query: WRITE_QUERY,
    headers: { ...CHAT_HEADERS, ...CONDITIONS },
    body: { summary: "The bytes." },
    answers: {
      200: {
        summary: "The file is complete.",
        schema: z.object({ message: z.string() }).meta({ id: "WrittenFile" }),
        headers: ETAG,
      },
      400: INVALID,
      403: DENIED,
      404: MISSING,
      409: { summary: "Something else was written there meanwhile." },
      412: { summary: "The file has another version." },
      500: FAILED,
    },
  },
  {
    operation: "files.edit",
    method: "post",
    path: "/edit-files",
    summary: "Searches and replaces in files, in all of them or none.",
    headers: { ...CHAT_HEADERS, ...CONDITIONS },
    body: { schema: EDIT_BODY },
    answers: {
      200: { summary: "Every edit was applied.", schema: EDITED, headers: { etag: "Version of the only file." } },
      400: { summary: "An edit does not match, or the request is malformed." },
      403: DENIED,
      404: MISSING,
      409: { summary: "A file changed meanwhile." },
      412: { summary: "A file has another version." },
      500: FAILED,
    },
  },
  {
    operation: "files.resolve",
    method: "get",
    path: "/resolve-path",
    summary: "Follows symbolic links; the file itself need not exist.",
    query: RESOLVE_QUERY,
    answers: {
      200: {
        summary: "Where the path leads.",
        schema: z.object({ resolved_path: z.string() }).meta({ id: "ResolvedPath" }),
      },
      400: INVALID,
      403: DENIED,
      404: MISSING,
      500: { summary: "A loop of links, or the system failed." },
    },
  },
];
