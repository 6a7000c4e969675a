/**
 * Edits several files, all or none.
 *
 * First every edit of every file is worked out in memory and every mistake is collected; then all new files are prepared;
 * then they take their places. Nothing changes on the disk before all of that can succeed.
 *
 * @module
 */
import { HttpProblem } from "../../core/errors.ts";
import { applyEdit, type TextEdit } from "./apply_edit.ts";
import { type PreparedFile, prepareFile } from "./atomic_write.ts";
import { BYTE_ORDER_MARK, bytesToText, encodeText, textToBytes } from "./byte_text.ts";
import { commitAll, CommitError } from "./commit_all.ts";
import { EditMismatchError } from "./edit_mismatch.ts";
import { describeFileError, fileErrorStatus, fileProblem, FileRefusedError } from "./file_errors.ts";
import { type FileFacts, readUpTo, writeAll } from "./file_system.ts";
import { type FileWork, requireAbsolute, requireRegular, requireWritable } from "./file_work.ts";
import type { Tolerance } from "./match_lines.ts";
import { resolvePath } from "./resolve_path.ts";
import { isConditional, type Precondition, requireVersion, tagOfBytes, tagOfFacts } from "./version_tag.ts";

/** Edits of one file, applied in order, each to the result of the one before. */
export interface FileEdit {
  readonly path: string;
  readonly edits: readonly TextEdit[];
  readonly precondition: Precondition;
}

/** A file whose edits all fit. */
export interface EditedFile {
  readonly requestPath: string;
  /** The path with symbolic links followed. */
  readonly path: string;
  /** Byte texts. Equal when the edits changed nothing; the file is then not written. */
  readonly before: string;
  readonly after: string;
  readonly afterBytes: Uint8Array;
  /** How each edit matched. */
  readonly tolerances: readonly Tolerance[];
}

/**
 * Edits files.
 *
 * @returns One result per file, in the order of the request.
 * @throws {HttpProblem} With the highest status of all that is wrong, and all messages, one per line. No file has changed
 * then, unless the message names it.
 */
export async function editFiles(work: FileWork, requests: readonly FileEdit[]): Promise<EditedFile[]> {
  const problems: Problem[] = [];
  const targets = await resolveAll(work, requests, problems);
  const paths = [...targets.values()];
  return await work.locks.hold(paths, async () => {
    const planned: PlannedFile[] = [];
    for (const [request, path] of targets) {
      await collect(problems, request.path, async () => void planned.push(await planFile(work, request, path)));
    }
    if (problems.length > 0) throw joinProblems(problems);
    await writeAllPlanned(work, planned.filter(({ before, after }) => before !== after));
    return planned;
  });
}

/** One thing that is wrong. */
interface Problem {
  readonly status: number;
  readonly message: string;
  readonly code?: string;
}

interface PlannedFile extends EditedFile {
  /** The file when it was read. */
  readonly facts: FileFacts;
}

async function collect(problems: Problem[], path: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    problems.push(problemOf(error, path));
  }
}

function problemOf(error: unknown, path: string): Problem {
  if (error instanceof EditMismatchError) {
    return { status: 400, message: `edit ${path}: ${error.message}`, code: `agentfiles_edit_${error.kind}` };
  }
  if (error instanceof FileRefusedError) return { status: error.status, message: error.message, code: error.code };
  return { status: fileErrorStatus(error), message: describeFileError(error, "edit", path) };
}

function joinProblems(problems: readonly Problem[]): HttpProblem {
  const worst = problems.reduce((a, b) => b.status > a.status ? b : a);
  return new HttpProblem(worst.status, problems.map(({ message }) => message).join("\n"), { code: worst.code });
}

/** Where each request leads. Two that lead to the same file are a mistake, also through symbolic links. */
async function resolveAll(
  { files }: FileWork,
  requests: readonly FileEdit[],
  problems: Problem[],
): Promise<Map<FileEdit, string>> {
  const targets = new Map<FileEdit, string>();
  const seen = new Map<string, string>();
  for (const request of requests) {
    await collect(problems, request.path, async () => {
      if (request.path === "") throw new FileRefusedError(400, `"path" is required`);
      requireAbsolute(request.path);
      if (request.edits.length === 0) {
        throw new FileRefusedError(400, `edit ${request.path}: must specify at least one edit`);
      }
      const path = await resolvePath(files, request.path);
      const other = seen.get(path);
      if (other !== undefined) {
        const alias = other === request.path ? "" : ` (the same file as ${JSON.stringify(other)})`;
        throw new FileRefusedError(400, `duplicate file path ${JSON.stringify(request.path)}${alias}`);
      }
      seen.set(path, request.path);
      targets.set(request, path);
    });
  }
  return targets;
}

/** Reads a file and works out what becomes of it. */
async function planFile(work: FileWork, request: FileEdit, path: string): Promise<PlannedFile> {
  const { facts, bytes } = await readWhole(work, request.path, path);
  if (isConditional(request.precondition)) {
    const small = bytes.length <= work.config.versionHashBytes;
    requireVersion(request.path, small ? await tagOfBytes(bytes) : await tagOfFacts(facts), request.precondition);
  }
  await requireWritable(work.files, path);
  const before = bytesToText(bytes);
  // A byte order mark belongs to the file, not to its first line, unless the caller writes it.
  const mark = before.startsWith(BYTE_ORDER_MARK) &&
      !request.edits.some(({ search }) => encodeText(search).startsWith(BYTE_ORDER_MARK))
    ? BYTE_ORDER_MARK
    : "";
  let content = before.slice(mark.length);
  const tolerances: Tolerance[] = [];
  for (const [index, edit] of request.edits.entries()) {
    try {
      const outcome = applyEdit(content, edit);
      content = outcome.content;
      tolerances.push(outcome.tolerance);
    } catch (error) {
      if (!(error instanceof EditMismatchError) || request.edits.length === 1) throw error;
      throw new EditMismatchError(error.kind, `edit ${index + 1} of ${request.edits.length}: ${error.message}`);
    }
  }
  const after = mark + content;
  return { requestPath: request.path, path, before, after, afterBytes: textToBytes(after), tolerances, facts };
}

async function readWhole(
  { files, config }: FileWork,
  requestPath: string,
  path: string,
): Promise<{ facts: FileFacts; bytes: Uint8Array }> {
  requireRegular(requestPath, await files.stat(path));
  const file = await files.open(path);
  try {
    const facts = await file.stat();
    requireRegular(requestPath, facts);
    const { bytes, more } = await readUpTo(file, config.maxEditFileBytes, facts.size);
    if (more) {
      throw new FileRefusedError(
        400,
        `edit ${requestPath}: the file has ${facts.size} bytes and the limit for edits is ${config.maxEditFileBytes}`,
        "agentfiles_file_too_large",
      );
    }
    return { facts, bytes };
  } finally {
    file.close();
  }
}

async function writeAllPlanned(work: FileWork, planned: readonly PlannedFile[]): Promise<void> {
  const prepared: PreparedFile[] = [];
  try {
    for (const file of planned) {
      try {
        prepared.push(
          await prepareFile(work.files, file.path, (open) => writeAll(open, file.afterBytes), {
            existing: file.facts,
            sync: work.config.sync,
            onAttributeLost: work.onAttributeLost,
          }),
        );
        await requireUnchanged(work, file);
      } catch (error) {
        throw fileProblem(error, "write", file.requestPath);
      }
    }
    await commitAll(work.files, prepared);
  } catch (error) {
    await Promise.all(prepared.map((file) => file.discard()));
    throw error instanceof CommitError ? commitProblem(error, planned) : error;
  }
}

/** A change by another program since the file was read would be lost. */
async function requireUnchanged({ files }: FileWork, file: PlannedFile): Promise<void> {
  const now = await files.stat(file.path);
  const { facts } = file;
  const same = now.dev === facts.dev && now.ino === facts.ino && now.size === facts.size &&
    now.mtime?.getTime() === facts.mtime?.getTime();
  if (!same) {
    throw new FileRefusedError(
      409,
      `edit ${file.requestPath}: another program changed the file in the meantime; nothing was written`,
      "conflict",
    );
  }
}

function commitProblem(error: CommitError, planned: readonly PlannedFile[]): HttpProblem {
  const nameOf = (path: string): string => planned.find((file) => file.path === path)?.requestPath ?? path;
  const left = error.changed.length === 0
    ? "no file was changed"
    : `changed and not put back: ${error.changed.map(nameOf).join(", ")}`;
  const text = describeFileError(error.cause, "rename", nameOf(error.target));
  return new HttpProblem(fileErrorStatus(error.cause) === 403 ? 403 : 500, `${text}; ${left}`, { cause: error });
}
