/**
 * `GET /read-file-lines`: numbered lines of a file for a model.
 *
 * @module
 */
import type { Context } from "hono";

import { messageOf } from "../../core/errors.ts";
import { json } from "../../core/http/json.ts";
import { type QuerySpec, readQuery } from "../../core/http/query.ts";
import { bytesToText } from "./byte_text.ts";
import { type FileErrorKind, fileErrorKind, FileRefusedError } from "./file_errors.ts";
import { type FileFacts, kindOf, type OpenFile, readUpTo } from "./file_system.ts";
import { requireAbsolute } from "./file_work.ts";
import { requireReadableQuery } from "./path_parameter.ts";
import { readLines } from "./read_lines.ts";
import type { RouteWork } from "./route_work.ts";
import type { LinesAnswer } from "./service.ts";

/** Files above this many bytes are refused unless the request says otherwise. */
const DEFAULT_FILE_BYTES = 1024 * 1024;
/** Longest line, in bytes. */
const DEFAULT_LINE_BYTES = 1024;
/** Most lines of one answer. */
const DEFAULT_LINES = 2000;
/** Most bytes of one answer. */
const DEFAULT_RESPONSE_BYTES = 32 * 1024;

/** Query of the route. */
export const LINES_QUERY = {
  path: { type: "text", required: true, summary: "Absolute path of the file." },
  offset: { type: "count", default: 1, summary: "First line, from 1." },
  limit: { type: "count", summary: "Most lines; 0 for as many as the other limits allow." },
  max_file_size: { type: "count", default: DEFAULT_FILE_BYTES, summary: "Largest file, in bytes." },
  max_line_bytes: { type: "count", default: DEFAULT_LINE_BYTES, summary: "Longest line, in bytes." },
  max_response_lines: { type: "count", default: DEFAULT_LINES, summary: "Most lines of the answer." },
  max_response_bytes: { type: "count", default: DEFAULT_RESPONSE_BYTES, summary: "Most bytes of the answer." },
} as const satisfies QuerySpec;

/** Answers 200 in any case but for a wrong query: `success` tells a model whether it worked, `error` why not. */
export async function readLinesRoute(c: Context, work: RouteWork): Promise<Response> {
  requireReadableQuery(c.req.url);
  const query = readQuery(c, LINES_QUERY);
  return json(c, await linesOf(work, query));
}

/** Which lines are wanted, in the words of the query. */
export interface LinesQuery {
  readonly path: string;
  /** First line, from 1; 0 is 1. */
  readonly offset: number;
  /** 0: up to `max_response_lines`. */
  readonly limit: number;
  readonly max_file_size: number;
  readonly max_line_bytes: number;
  readonly max_response_lines: number;
  readonly max_response_bytes: number;
}

/** Limits of a request that names none. */
export const LINE_LIMITS: Omit<LinesQuery, "path"> = {
  offset: 1,
  limit: 0,
  max_file_size: DEFAULT_FILE_BYTES,
  max_line_bytes: DEFAULT_LINE_BYTES,
  max_response_lines: DEFAULT_LINES,
  max_response_bytes: DEFAULT_RESPONSE_BYTES,
};

/** Numbered lines. Never rejects: `success` tells whether it worked, `error` why not. */
export async function linesOf(work: RouteWork, query: LinesQuery): Promise<LinesAnswer> {
  try {
    const bytes = await readSmall(work, query.path, Math.min(query.max_file_size, work.config.maxLineFileBytes));
    work.metrics.readBytes.add(bytes.length);
    if (bytes.length === 0) return { success: true };
    const result = readLines(bytesToText(bytes), {
      offset: query.offset,
      limit: query.limit,
      maxLineBytes: query.max_line_bytes,
      maxLines: query.max_response_lines,
      maxBytes: query.max_response_bytes,
    });
    if (!result.ok) return { success: false, error: result.error };
    return {
      success: true,
      file_size: bytes.length,
      total_lines: result.totalLines,
      ...(result.linesRead > 0 && { lines_read: result.linesRead }),
      ...(result.content !== "" && { content: result.content }),
    };
  } catch (error) {
    return { success: false, error: describe(error, query.path) };
  }
}

async function readSmall({ files }: RouteWork, path: string, maximum: number): Promise<Uint8Array> {
  requireAbsolute(path);
  requireFile(path, await files.stat(path));
  const file = await files.open(path);
  try {
    return await readOpen(file, path, maximum);
  } finally {
    file.close();
  }
}

async function readOpen(file: OpenFile, path: string, maximum: number): Promise<Uint8Array> {
  const facts = await file.stat();
  requireFile(path, facts);
  const { bytes, more } = facts.size > maximum
    ? { bytes: new Uint8Array(), more: true }
    : await readUpTo(file, maximum, facts.size);
  if (!more) return bytes;
  const size = Math.max(facts.size, maximum + 1);
  throw new FileRefusedError(400, `file size of ${size} bytes exceeds the maximum of ${maximum} bytes`);
}

function requireFile(path: string, facts: FileFacts): void {
  if (!facts.isFile) throw new FileRefusedError(400, `not a file: ${path} (it is ${kindOf(facts)})`);
}

function describe(error: unknown, path: string): string {
  if (error instanceof FileRefusedError) return error.message;
  return TEXTS[fileErrorKind(error)]?.(path) ?? `open file: ${messageOf(error)}`;
}

const TEXTS: Readonly<Partial<Record<FileErrorKind, (path: string) => string>>> = {
  missing: (path) => `file does not exist: ${path}`,
  denied: (path) => `permission denied: ${path}`,
};
