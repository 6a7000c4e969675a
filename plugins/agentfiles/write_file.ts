/**
 * Writes a whole file from a stream.
 *
 * @module
 */
import { dirname } from "@std/path";

import { HttpProblem, messageOf } from "../../core/errors.ts";
import { type PreparedFile, prepareFile } from "./atomic_write.ts";
import { fileErrorKind, FileRefusedError } from "./file_errors.ts";
import { type FileFacts, kindOf, type OpenFile, writeAll } from "./file_system.ts";
import { type FileWork, requireWritable, statIfExists } from "./file_work.ts";
import { resolvePath } from "./resolve_path.ts";
import { isConditional, type Precondition, requireVersion, tagOfBytes, tagOfFacts, versionOf } from "./version_tag.ts";

/** What is to be written where. */
export interface WriteRequest {
  /** Absolute. Symbolic links are followed and kept; missing parent directories are created. */
  readonly path: string;
  /** The contents; `null` for an empty file. Read only as fast as the disk takes it. */
  readonly body: ReadableStream<Uint8Array> | null;
  readonly precondition: Precondition;
}

/** A file that was written. */
export interface WrittenFile {
  /** The path with symbolic links followed. */
  readonly path: string;
  readonly created: boolean;
  readonly bytes: number;
  readonly version: string;
}

/** Permission bits of new directories, before the umask. */
const DIRECTORY_MODE = 0o755;

/**
 * Writes a file at once: until the last byte has arrived and is on the disk, the old file stays as it is.
 *
 * @throws {FileRefusedError} 400 when the path is a directory, a pipe or the like, or runs through a file; 412 when the
 * precondition fails.
 * @throws {HttpProblem} 500 when the body breaks off.
 * @throws What the file system throws.
 */
export async function writeFile(work: FileWork, request: WriteRequest): Promise<WrittenFile> {
  const { files, config } = work;
  const path = await resolveTarget(work, request.path);
  const existing = await statIfExists(files, path);
  if (existing?.isDirectory || (request.path.endsWith("/") && existing === undefined)) {
    throw new FileRefusedError(400, `open ${request.path}: is a directory`);
  }
  if (existing !== undefined && !existing.isFile) {
    throw new FileRefusedError(400, `open ${request.path}: not a file: it is ${kindOf(existing)}`);
  }
  await checkPrecondition(work, path, existing, request);
  if (existing !== undefined) await requireWritable(files, path);
  else await makeParent(work, path);
  const body = new BodyCopy(request.body, config.versionHashBytes);
  const prepared = await prepareFile(files, path, (file) => body.writeTo(file), {
    existing,
    sync: config.sync,
    onAttributeLost: work.onAttributeLost,
  });
  await work.locks.hold([path], () => commit(work, path, prepared, request));
  const version = body.kept === undefined ? await tagOfFacts(await files.stat(path)) : await tagOfBytes(body.kept);
  return { path, created: existing === undefined, bytes: body.bytes, version };
}

async function resolveTarget({ files }: FileWork, path: string): Promise<string> {
  try {
    return await resolvePath(files, path);
  } catch (error) {
    if (fileErrorKind(error) === "not_directory") throw notADirectory(path);
    throw error;
  }
}

async function makeParent({ files }: FileWork, path: string): Promise<void> {
  try {
    await files.makeDirectory(dirname(path), DIRECTORY_MODE);
  } catch (error) {
    if (fileErrorKind(error) === "not_directory" || error instanceof Deno.errors.AlreadyExists) {
      throw notADirectory(path);
    }
    throw error;
  }
}

function notADirectory(path: string): FileRefusedError {
  return new FileRefusedError(
    400,
    `open ${path}: a part of the path is a file: not a directory`,
    "agentfiles_not_a_directory",
  );
}

async function checkPrecondition(
  { files, config }: FileWork,
  path: string,
  facts: FileFacts | undefined,
  { path: requestPath, precondition }: WriteRequest,
): Promise<void> {
  if (!isConditional(precondition)) return;
  const version = facts === undefined ? undefined : await versionOf(files, path, facts, config.versionHashBytes);
  requireVersion(requestPath, version, precondition);
}

/** Looks at the version again: it may have changed while the body arrived. */
async function commit(work: FileWork, path: string, prepared: PreparedFile, request: WriteRequest): Promise<void> {
  try {
    await checkPrecondition(work, path, await statIfExists(work.files, path), request);
  } catch (error) {
    await prepared.discard();
    throw error;
  }
  await prepared.commit();
}

/** Copies a request body into a file and remembers a short one, so that it can be hashed without reading it back. */
class BodyCopy {
  bytes = 0;
  #chunks: Uint8Array[] | undefined = [];

  constructor(readonly body: ReadableStream<Uint8Array> | null, readonly keepBytes: number) {}

  /** The whole body, `undefined` when it is longer than `keepBytes`. */
  get kept(): Uint8Array | undefined {
    if (this.#chunks === undefined) return undefined;
    const all = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  async writeTo(file: OpenFile): Promise<void> {
    const reader = this.body?.getReader();
    if (reader === undefined) return;
    let finished = false;
    // One chunk is being written while the next one arrives; no more than that is ever held.
    let writing = Promise.resolve();
    try {
      for (;;) {
        const { done, value } = await readChunk(reader);
        await writing;
        if (done) break;
        this.bytes += value.length;
        if (this.bytes <= this.keepBytes) this.#chunks?.push(value);
        else this.#chunks = undefined;
        writing = writeAll(file, value);
        writing.catch(() => {}); // Awaited above, but perhaps only after the next chunk has come.
      }
      finished = true;
    } finally {
      // The file is closed next: no write may be left.
      await writing.catch(() => {}); // Thrown above, unless the body failed first.
      if (!finished) await reader.cancel().catch(() => {}); // The error that ended the copy is the one to report.
      reader.releaseLock();
    }
  }
}

async function readChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem(500, `cannot read the request body: ${messageOf(error)}; the old file is unchanged`, {
      code: "agentfiles_body_failed",
      cause: error,
    });
  }
}
