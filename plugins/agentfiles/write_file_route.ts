/**
 * `POST /write-file`: a whole file from the request's body.
 *
 * @module
 */
import type { Context } from "hono";

import { type ChatIdentity, chatIdentityOf } from "../../core/http/chat_identity.ts";
import { json } from "../../core/http/json.ts";
import { type QuerySpec, readQuery } from "../../core/http/query.ts";
import { fileProblem } from "./file_errors.ts";
import { requireAbsolute } from "./file_work.ts";
import { ABSOLUTE_PATH, requireReadableQuery } from "./path_parameter.ts";
import { report, type RouteWork } from "./route_work.ts";
import { preconditionOf } from "./version_tag.ts";
import { writeFile, type WriteRequest, type WrittenFile } from "./write_file.ts";

/** Query of the route. */
export const WRITE_QUERY = {
  path: { type: "text", required: true, pattern: ABSOLUTE_PATH, summary: "Absolute path of the file." },
} as const satisfies QuerySpec;

/** Answers when the file is complete, with its new version as `ETag`. */
export async function writeFileRoute(c: Context, work: RouteWork): Promise<Response> {
  requireReadableQuery(c.req.url);
  const { path } = readQuery(c, WRITE_QUERY);
  const request = { path, body: c.req.raw.body, precondition: preconditionOf(c.req.raw.headers) };
  const written = await writeReported(work, request, chatIdentityOf(c.req.raw.headers));
  c.header("etag", written.version);
  return json(c, { message: `Successfully wrote to ${JSON.stringify(path)}` });
}

/**
 * Writes a file for a chat, counts it, and tells those who watch.
 *
 * @throws {HttpProblem} With the status and the message of the route.
 */
export async function writeReported(
  work: RouteWork,
  request: WriteRequest,
  chat: ChatIdentity | undefined,
): Promise<WrittenFile> {
  const { path } = request;
  try {
    requireAbsolute(path);
    const written = await writeFile(work, request);
    work.metrics.writtenBytes.add(written.bytes);
    work.metrics.writes.inc({ result: "written" });
    report(chat, work, [path], [{
      kind: "write",
      requestPath: path,
      path: written.path,
      created: written.created,
      bytes: written.bytes,
    }]);
    return written;
  } catch (error) {
    const problem = fileProblem(error, "write", path);
    work.metrics.writes.inc({ result: problem.status < 500 ? "refused" : "failed" });
    throw problem;
  }
}
