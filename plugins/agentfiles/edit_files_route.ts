/**
 * `POST /edit-files`: search and replace in one or more files, all or none.
 *
 * @module
 */
import type { Context } from "hono";
import { z } from "zod";

import { HttpProblem } from "../../core/errors.ts";
import { type ChatIdentity, chatIdentityOf } from "../../core/http/chat_identity.ts";
import { json, readJson } from "../../core/http/json.ts";
import { type EditedFile, editFiles, type FileEdit } from "./edit_files.ts";
import { fileProblem } from "./file_errors.ts";
import { ABSOLUTE_PATH } from "./path_parameter.ts";
import { report, type RouteWork } from "./route_work.ts";
import { unifiedDiff } from "./unified_diff.ts";
import { isConditional, type Precondition, preconditionOf, tagOfBytes, UNCONDITIONAL } from "./version_tag.ts";

/** Body of the request, after defaults. */
export interface EditBody {
  readonly files: readonly {
    readonly path: string;
    readonly edits: readonly { readonly search: string; readonly replace: string; readonly replace_all: boolean }[];
    readonly if_match: string | null;
  }[];
  readonly include_diff: boolean;
}

// A missing field and `null` mean the empty value, as in the clients this serves.
const text = z.string().nullish().transform((value) => value ?? "");
const flag = z.boolean().nullish().transform((value) => value ?? false);
const edit = z.object({
  search: text.describe("Text to find. Indentation and trailing space may differ when nothing matches exactly."),
  replace: text.describe("Text to put in its place."),
  replace_all: flag.describe("Whether every match is replaced; otherwise there must be one only."),
}).meta({ id: "TextEdit" });
const file = z.object({
  path: text.meta({ description: "Absolute path.", wire: { type: "string", pattern: ABSOLUTE_PATH } }),
  edits: z.array(edit).nullish().transform((value) => value ?? [])
    .meta({ description: "In order, each on the result of the one before.", minItems: 1 }),
  if_match: z.string().nullish().transform((value) => value ?? null)
    .describe("Version the file must have: an `ETag`."),
}).meta({ id: "FileEdits", requires: ["path", "edits"] });
/** Body of the route. */
export const EDIT_BODY: z.ZodType<EditBody> = z.object({
  files: z.array(file).nullish().transform((value) => value ?? [])
    .meta({ description: "Each file once.", minItems: 1 }),
  include_diff: flag.describe("Whether the answer holds a unified diff per file."),
}).meta({ id: "EditFiles", requires: ["files"] });

/** Answers `{}`, or one unified diff per file in the order of the request when `include_diff` is set. */
export async function editFilesRoute(c: Context, work: RouteWork): Promise<Response> {
  const body = await readJson(c, EDIT_BODY);
  const requests = () => requestsOf(body, preconditionOf(c.req.raw.headers), work);
  const edited = await editReported(work, requests, chatIdentityOf(c.req.raw.headers));
  const [only] = edited;
  if (edited.length === 1 && only !== undefined && only.afterBytes.length <= work.config.versionHashBytes) {
    c.header("etag", await tagOfBytes(only.afterBytes));
  }
  return json(c, body.include_diff ? { files: edited.map(diffOf) } : {});
}

/**
 * Edits files for a chat, counts it, and tells those who watch.
 *
 * @throws {HttpProblem} With the status and the messages of the route.
 */
export async function editReported(
  work: RouteWork,
  requests: () => readonly FileEdit[],
  chat: ChatIdentity | undefined,
): Promise<EditedFile[]> {
  try {
    const edited = await editFiles(work, requests());
    work.metrics.edits.inc({ result: "applied" });
    for (const { tolerances } of edited) {
      for (const match of tolerances) work.metrics.matches.inc({ match });
    }
    report(chat, work, edited.map(({ requestPath }) => requestPath), edited.filter(hasChanged).map(effectOf));
    return edited;
  } catch (error) {
    const problem = fileProblem(error, "edit", "files");
    work.metrics.edits.inc({ result: problem.status < 500 ? "refused" : "failed" });
    throw problem;
  }
}

/**
 * What the body asks for, one entry per file.
 *
 * @throws {HttpProblem} 400 when it names no file, or too many.
 */
export function requestsOf(body: EditBody, header: Precondition, { config }: Pick<RouteWork, "config">): FileEdit[] {
  if (body.files.length === 0) throw new HttpProblem(400, "must specify at least one file");
  if (body.files.length > config.maxEditFiles) {
    throw new HttpProblem(400, `request has ${body.files.length} files and the limit is ${config.maxEditFiles}`);
  }
  if (isConditional(header) && body.files.length > 1) {
    throw new HttpProblem(400, `If-Match and If-None-Match speak of one file: use "if_match" of each file instead`);
  }
  return body.files.map(({ path, edits, if_match }) => ({
    path,
    edits: edits.map(({ search, replace, replace_all }) => ({ search, replace, replaceAll: replace_all })),
    precondition: if_match === null ? header : { ...UNCONDITIONAL, ...header, ifMatch: if_match },
  }));
}

function hasChanged({ before, after }: EditedFile): boolean {
  return before !== after;
}

function effectOf({ requestPath, path, afterBytes }: EditedFile) {
  return { kind: "edit", requestPath, path, created: false, bytes: afterBytes.length } as const;
}

/** What an edit changed, as a unified diff; empty when it changed nothing. */
export function diffOf({ requestPath, before, after }: EditedFile): { readonly path: string; readonly diff: string } {
  return { path: requestPath, diff: unifiedDiff(requestPath, before, after) };
}
