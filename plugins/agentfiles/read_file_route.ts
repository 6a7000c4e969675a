/**
 * `GET /read-file`: bytes of a file.
 *
 * @module
 */
import { ifNoneMatch } from "@std/http/etag";

import type { Context } from "hono";

import { type QuerySpec, readQuery } from "../../core/http/query.ts";
import { fileProblem } from "./file_errors.ts";
import { requireAbsolute } from "./file_work.ts";
import { mimeTypeOf } from "./mime_types.ts";
import { ABSOLUTE_PATH, requireReadableQuery } from "./path_parameter.ts";
import { openReading } from "./read_file.ts";
import type { RouteWork } from "./route_work.ts";

/** Query of the route. */
export const READ_QUERY = {
  path: { type: "text", required: true, pattern: ABSOLUTE_PATH, summary: "Absolute path of the file." },
  offset: { type: "count", summary: "First byte." },
  limit: { type: "count", summary: "Most bytes; 0 for all." },
} as const satisfies QuerySpec;

/** Answers with the bytes, their length, a media type by extension, and the file's version as `ETag`. */
export async function readFileRoute(c: Context, work: RouteWork): Promise<Response> {
  requireReadableQuery(c.req.url);
  const { path, ...window } = readQuery(c, READ_QUERY);
  try {
    requireAbsolute(path);
    const reading = await openReading(work, path, window);
    const headers = new Headers({
      "content-type": mimeTypeOf(path),
      // A page or a picture from the workspace must not run scripts as a page of the agent.
      "content-security-policy": "sandbox",
      "x-content-type-options": "nosniff",
    });
    if (reading.version !== undefined) headers.set("etag", reading.version);
    const known = c.req.header("if-none-match") ?? null;
    if (known !== null && reading.version !== undefined && !ifNoneMatch(known, reading.version)) {
      await reading.discard();
      headers.delete("content-type");
      return new Response(null, { status: 304, headers });
    }
    if (reading.length !== undefined) headers.set("content-length", String(reading.length));
    if (c.req.raw.method === "HEAD") {
      await reading.discard();
      return new Response(null, { headers });
    }
    work.metrics.readBytes.add(reading.length ?? 0);
    return new Response(reading.body, { headers });
  } catch (error) {
    throw fileProblem(error, "open", path);
  }
}
