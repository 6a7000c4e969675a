/**
 * From errors of the file system to statuses and messages.
 *
 * @module
 */
import { HttpProblem, messageOf } from "../../core/errors.ts";

/** Kinds of failure that callers tell apart. */
export type FileErrorKind = "missing" | "denied" | "not_directory" | "loop" | "no_space" | "read_only" | "other";

/** A chain of symbolic links is longer than any honest one. */
export class LinkLimitError extends Error {
  override readonly name = "LinkLimitError";
  readonly code = "ELOOP";

  constructor(path: string, readonly limit: number) {
    super(`too many levels of symbolic links in "${path}": the limit is ${limit}`);
  }
}

/** A request that names a wrong path or does not fit the file: a status, and a message for its sender. */
export class FileRefusedError extends Error {
  override readonly name = "FileRefusedError";

  constructor(readonly status: 400 | 409 | 412, message: string, readonly code?: string) {
    super(message);
  }
}

/** What kind of failure `error` is. */
export function fileErrorKind(error: unknown): FileErrorKind {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (typeof code === "string" && code in KINDS_BY_CODE) return KINDS_BY_CODE[code] as FileErrorKind;
  return KINDS_BY_CLASS.find(([type]) => error instanceof type)?.[1] ?? "other";
}

/** One sentence: what was tried, on which path, and why it failed. */
export function describeFileError(error: unknown, operation: string, path: string): string {
  const kind = fileErrorKind(error);
  const reason = REASONS[kind] ?? messageOf(error);
  if (kind === "missing") return `file does not exist: ${operation} ${path}: ${reason}`;
  return `${operation} ${path}: ${reason}`;
}

/** Status of a failure: 404 when the file is missing, 403 when it is not allowed, otherwise 500. */
export function fileErrorStatus(error: unknown): number {
  if (error instanceof FileRefusedError || error instanceof HttpProblem) return error.status;
  const kind = fileErrorKind(error);
  return kind === "missing" ? 404 : kind === "denied" ? 403 : 500;
}

/** The answer to a failure of `operation` on `path`; a problem that already is one passes through. */
export function fileProblem(error: unknown, operation: string, path: string): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof FileRefusedError) {
    return new HttpProblem(error.status, error.message, { code: error.code, cause: error });
  }
  const status = fileErrorStatus(error);
  return new HttpProblem(status, describeFileError(error, operation, path), {
    code: CODES[fileErrorKind(error)],
    cause: error,
  });
}

const KINDS_BY_CODE: Readonly<Record<string, FileErrorKind>> = {
  ENOENT: "missing",
  EACCES: "denied",
  EPERM: "denied",
  ENOTDIR: "not_directory",
  ELOOP: "loop",
  ENOSPC: "no_space",
  EDQUOT: "no_space",
  EROFS: "read_only",
};

const KINDS_BY_CLASS: readonly (readonly [new (message: string) => Error, FileErrorKind])[] = [
  [Deno.errors.NotFound, "missing"],
  [Deno.errors.PermissionDenied, "denied"],
  [Deno.errors.NotCapable, "denied"],
  [Deno.errors.NotADirectory, "not_directory"],
  [Deno.errors.FilesystemLoop, "loop"],
];

const REASONS: Readonly<Partial<Record<FileErrorKind, string>>> = {
  missing: "no such file or directory",
  denied: "permission denied",
  not_directory: "not a directory",
  loop: "too many levels of symbolic links",
  no_space: "no space left on the disk; the old file is unchanged",
  read_only: "read-only file system",
};

const CODES: Readonly<Partial<Record<FileErrorKind, string>>> = {
  denied: "agentfiles_permission_denied",
  no_space: "agentfiles_disk_full",
  read_only: "agentfiles_read_only",
  loop: "agentfiles_link_loop",
  not_directory: "agentfiles_not_a_directory",
};
