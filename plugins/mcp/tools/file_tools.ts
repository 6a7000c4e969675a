/**
 * Tools that read and change files.
 *
 * @module
 */
import { encodeBase64 } from "@std/encoding/base64";

import { z } from "zod";

import { defineTool, requiredText, type Tool, ToolError } from "./tool.ts";

const PATH = requiredText("path", "Absolute path.");

interface ReadFileInput {
  readonly path: string;
  readonly offset?: number | null;
  readonly limit?: number | null;
}

/** What `read_file` tells. */
export interface ReadFileResult {
  /** Line number, tab, line; joined by line feeds. */
  readonly content: string;
  /** In bytes. */
  readonly file_size: number;
  readonly total_lines: number;
  readonly lines_read: number;
}

/** Reads numbered lines. */
export const readFile: Tool = defineTool({
  name: "read_file",
  title: "Read lines of a file",
  description:
    "Reads a text file of up to 1 MiB, each line with its number. At most 2000 lines and 32 KiB come at once: use offset " +
    "and limit to read a longer file in parts. Lines over 1024 bytes are cut.",
  part: "files",
  input: z.object({
    path: PATH,
    offset: z.number().int().min(0).nullish().describe("First line, from 1. Default: 1."),
    limit: z.number().int().min(0).nullish().describe("Number of lines. Default: as many as come at once."),
  }) as z.ZodType<ReadFileInput>,
  result: z.looseObject({
    content: z.string().describe("Line number, tab, line; joined by line feeds."),
    file_size: z.number().int().describe("Bytes of the file."),
    total_lines: z.number().int().describe("Lines of the file."),
    lines_read: z.number().int().describe("Lines in content."),
  }),
  hints: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ path, offset, limit }, api): Promise<ReadFileResult> {
    const lines = await api.files!.readLines({ path, offset: offset ?? 1, limit: limit ?? 0 });
    if (!lines.success) throw new ToolError(lines.error ?? `cannot read ${path}`);
    const { content = "", file_size = 0, total_lines = 0, lines_read = 0 } = lines;
    return { content, file_size, total_lines, lines_read };
  },
});

/** Most bytes of one `read_bytes`: what fits into a model's context with room to think. */
const MAX_READ_BYTES = 256 * 1024;
const DEFAULT_READ_BYTES = 32 * 1024;

/** What `read_bytes` tells. */
export interface ReadBytesResult {
  /** The bytes, when they are UTF-8. */
  readonly text?: string;
  /** The bytes, when they are not. */
  readonly base64?: string;
  /** By the file's name. */
  readonly media_type: string;
  readonly bytes_read: number;
  /** Whether the file goes on. */
  readonly more: boolean;
}

/** Reads bytes. */
export const readBytes: Tool = defineTool({
  name: "read_bytes",
  title: "Read bytes of a file",
  description:
    "Reads bytes of a file of any size and kind, as text where they are UTF-8 and as base64 where not. At most 256 KiB at " +
    "once, 32 KiB unless limit says otherwise. For text files read_file is better.",
  part: "files",
  input: z.object({
    path: PATH,
    offset: z.number().int().min(0).nullish().describe("First byte, from 0. Default: 0."),
    limit: z.number().int().min(1).max(MAX_READ_BYTES).nullish()
      .describe(`Number of bytes. Default: ${DEFAULT_READ_BYTES}.`),
  }) as z.ZodType<ReadFileInput>,
  result: z.looseObject({
    text: z.string().optional().describe("The bytes, when they are UTF-8."),
    base64: z.string().optional().describe("The bytes, when they are not."),
    media_type: z.string().describe("By the file's name."),
    bytes_read: z.number().int().describe("Bytes in this answer."),
    more: z.boolean().describe("Whether the file goes on."),
  }),
  hints: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ path, offset, limit }, api): Promise<ReadBytesResult> {
    const piece = await api.files!.read({ path, offset: offset ?? 0, limit: limit ?? DEFAULT_READ_BYTES });
    return {
      ...payload(piece.bytes),
      media_type: piece.mediaType,
      bytes_read: piece.bytes.length,
      more: piece.more,
    };
  },
});

const OK = z.looseObject({ ok: z.literal(true).describe("It is done.") });

/** Writes a file. */
export const writeFile: Tool = defineTool({
  name: "write_file",
  title: "Write a file",
  description:
    "Writes a whole file at once, and the directories it needs. An existing file is replaced; its mode and symbolic links " +
    "are kept. To change a part of a file use edit_files.",
  part: "files",
  input: z.object({
    path: PATH,
    content: z.string({ error: "content is required" }).describe("The whole new contents."),
  }),
  result: OK,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run({ path, content }, api): Promise<{ readonly ok: true }> {
    await api.files!.write({ path, content });
    return { ok: true };
  },
});

const EDIT = z.object({
  search: z.string({ error: "search is required" }).describe("Text to find; white space may differ a little."),
  replace: z.string({ error: "replace is required" }).describe("Text to put in its place."),
  replace_all: z.boolean().optional().describe(
    "Replace every occurrence. Default: false, and more than one is an error.",
  ),
});
const EDITS = z.object({
  path: PATH,
  edits: z.array(EDIT, { error: "edits is required" }).min(1, "edits is required")
    .describe("Applied in order, each to the result of the one before."),
});

/** What `edit_files` tells. */
export interface EditFilesResult {
  readonly ok: true;
  /** One unified diff per file, when they were asked for. */
  readonly files?: readonly { readonly path: string; readonly diff: string }[];
}

/** Edits files. */
export const editFiles: Tool = defineTool({
  name: "edit_files",
  title: "Edit files",
  description:
    "Searches and replaces in one or more files, all edits or none. Each search text must occur exactly once, unless " +
    "replace_all is set: take enough lines around the change to make it so.",
  part: "files",
  input: z.object({
    files: z.array(EDITS, { error: "files is required" }).min(1, "files is required").describe("One entry per file."),
    include_diff: z.boolean().nullish().describe("Answer with unified diffs. Default: false."),
  }),
  result: OK.extend({
    files: z.array(z.looseObject({
      path: z.string().describe("As in the call."),
      diff: z.string().describe("Unified diff."),
    })).optional().describe("When include_diff was set."),
  }),
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  async run({ files, include_diff }, api): Promise<EditFilesResult> {
    const diffs = await api.files!.edit(files);
    return { ok: true, ...(include_diff && { files: [...diffs] }) };
  },
});

/** Lists a directory. */
export const listDirectory: Tool = defineTool({
  name: "list_directory",
  title: "List a directory",
  description: "Names in one directory: directories first, then by name. Symbolic links are not followed.",
  part: "files",
  input: z.object({ path: PATH }),
  result: z.looseObject({
    absolute_path_string: z.string().describe("The directory."),
    contents: z.array(z.looseObject({
      name: z.string().describe("Without the directory."),
      absolute_path_string: z.string().describe("With the directory."),
      is_dir: z.boolean().describe("Whether it is a directory."),
    })).describe("Its entries."),
  }),
  hints: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ path }, api) {
    const { absolute_path_string, contents } = await api.files!.list(path);
    return { absolute_path_string, contents: [...contents] };
  },
});

function payload(bytes: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: encodeBase64(bytes) };
  }
}
