/**
 * `GET /resolve-path`: where a path really leads.
 *
 * @module
 */
import type { Context } from "hono";

import { HttpProblem } from "../../core/errors.ts";
import { json } from "../../core/http/json.ts";
import { type QuerySpec, readQuery } from "../../core/http/query.ts";
import { fileErrorKind, fileProblem, LinkLimitError } from "./file_errors.ts";
import { requireAbsolute } from "./file_work.ts";
import { ABSOLUTE_PATH, requireReadableQuery } from "./path_parameter.ts";
import { resolvePath } from "./resolve_path.ts";
import type { RouteWork } from "./route_work.ts";

/** Query of the route. */
export const RESOLVE_QUERY = {
  path: { type: "text", required: true, pattern: ABSOLUTE_PATH, summary: "Absolute path of the file." },
} as const satisfies QuerySpec;

/** Answers `{resolved_path}`; the file itself need not exist. */
export async function resolvePathRoute(c: Context, work: RouteWork): Promise<Response> {
  requireReadableQuery(c.req.url);
  const { path } = readQuery(c, RESOLVE_QUERY);
  try {
    requireAbsolute(path);
    return json(c, { resolved_path: await resolvePath(work.files, path) });
  } catch (error) {
    if (error instanceof LinkLimitError || fileErrorKind(error) === "loop") {
      throw new HttpProblem(500, `too many levels of symbolic links: ${path}`, {
        code: "agentfiles_link_loop",
        cause: error,
      });
    }
    throw fileProblem(error, "resolve", path);
  }
}
