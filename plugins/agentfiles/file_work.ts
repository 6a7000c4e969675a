/**
 * What every operation on files needs, and the checks they share.
 *
 * @module
 */
import type { AgentfilesConfig } from "./config.ts";
import { fileErrorKind, FileRefusedError } from "./file_errors.ts";
import { type FileFacts, type FileSystem, kindOf } from "./file_system.ts";
import type { PathLocks } from "./path_locks.ts";

/** What every operation on files needs. */
export interface FileWork {
  readonly files: FileSystem;
  readonly locks: PathLocks;
  readonly config: AgentfilesConfig;
  /** Told of a mode or an owner that a replaced file could not keep. */
  readonly onAttributeLost: (attribute: "mode" | "owner", error: unknown) => void;
}

/**
 * Checks a path of a request before anything touches the file system.
 *
 * @throws {FileRefusedError} 400 when it is relative or holds a NUL.
 */
export function requireAbsolute(path: string): void {
  if (path.includes("\0")) {
    throw new FileRefusedError(400, `file path must not contain a NUL character: ${JSON.stringify(path)}`);
  }
  if (!path.startsWith("/")) {
    throw new FileRefusedError(400, `file path must be absolute: ${JSON.stringify(path)}`);
  }
}

/**
 * Refuses everything but regular files, before they are opened: opening a named pipe waits for its other end.
 *
 * @throws {FileRefusedError} 400 for directories, pipes, sockets and devices.
 */
export function requireRegular(path: string, facts: FileFacts): void {
  if (!facts.isFile) throw new FileRefusedError(400, `open ${path}: not a file: it is ${kindOf(facts)}`);
}

/** `stat` that gives `undefined` for what does not exist. */
export async function statIfExists(files: FileSystem, path: string): Promise<FileFacts | undefined> {
  try {
    return await files.stat(path);
  } catch (error) {
    if (fileErrorKind(error) === "missing") return undefined;
    throw error;
  }
}

/**
 * Fails when the caller may not write to an existing file. Replacing it by rename would only ask the directory, and so
 * override the protection of a read-only file.
 */
export async function requireWritable(files: FileSystem, path: string): Promise<void> {
  try {
    (await files.open(path, { access: "write" })).close();
  } catch (error) {
    // Other refusals, such as that of a program that is running, do not stand in the way of a new file.
    if (fileErrorKind(error) === "denied") throw error;
  }
}
