/**
 * `POST /list-directory`: names in one directory.
 *
 * @module
 */
import type { Context } from "hono";
import { z } from "zod";

import { HttpProblem, messageOf } from "../../core/errors.ts";
import { json, readJson } from "../../core/http/json.ts";
import { type QuerySpec, readQuery } from "../../core/http/query.ts";
import { fileErrorKind, fileProblem, FileRefusedError } from "./file_errors.ts";
import { directoryOf, type DirectoryRequest, listDirectory } from "./list_directory.ts";
import { requireReadableQuery } from "./path_parameter.ts";
import type { RouteWork } from "./route_work.ts";

/** Query of the route. */
export const LIST_QUERY = {
  path: { type: "text", summary: "Absolute path of the directory; wins over the body." },
} as const satisfies QuerySpec;

/** Body of the route. */
export const LIST_BODY: z.ZodType<DirectoryRequest> = z.object({
  path: z.array(z.string()).nullish().transform((value) => value ?? []).describe("Components below the base."),
  relativity: z.string().nullish().transform((value) => value ?? "").describe("The base: `home` or `root`."),
}).meta({ id: "ListDirectory" });

/** The query's `path` wins over the body's, which has to be JSON all the same. */
export async function listDirectoryRoute(c: Context, work: RouteWork): Promise<Response> {
  requireReadableQuery(c.req.url);
  const query = readQuery(c, LIST_QUERY);
  const body = await readJson(c, LIST_BODY);
  let directory = query.path;
  try {
    if (directory !== "" && !directory.startsWith("/")) {
      throw new RangeError(`path must be absolute: ${JSON.stringify(directory)}`);
    }
    if (directory === "") directory = await directoryOf(body, work.home);
    return json(c, await listDirectory(work.files, directory));
  } catch (error) {
    throw listProblem(error, directory);
  }
}

/** Clients rely on 404 and 403 alone; everything else, mistakes of the caller included, is 500. */
export function listProblem(error: unknown, directory: string): HttpProblem {
  const known = error instanceof FileRefusedError || fileErrorKind(error) !== "other";
  return known
    ? fileProblem(error, "open", directory)
    : new HttpProblem(500, messageOf(error), { code: "agentfiles_list_failed", cause: error });
}
