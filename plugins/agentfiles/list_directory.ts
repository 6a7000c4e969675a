/**
 * Lists one directory.
 *
 * @module
 */
import { join, resolve } from "@std/path";

import { FileRefusedError } from "./file_errors.ts";
import type { DirectoryEntry, FileSystem } from "./file_system.ts";
import type { DirectoryListing } from "./service.ts";

/** Which directory is meant. */
export interface DirectoryRequest {
  /** Components below the base. */
  readonly path: readonly string[];
  /** The base: `home` or `root`. */
  readonly relativity: string;
}

/**
 * The absolute path of the directory a request means.
 *
 * @param home Called only when the base is the home directory.
 * @throws {RangeError} When the base is neither `home` nor `root`.
 */
export async function directoryOf(request: DirectoryRequest, home: () => Promise<string>): Promise<string> {
  const bases: Readonly<Record<string, () => Promise<string>>> = { home, root: () => Promise.resolve("/") };
  if (!Object.hasOwn(bases, request.relativity)) {
    throw new RangeError(
      `unsupported relativity type ${JSON.stringify(request.relativity)}: expected "home" or "root"`,
    );
  }
  const base = await (bases[request.relativity] as () => Promise<string>)();
  return resolve("/", join(base, ...request.path));
}

/**
 * Lists a directory: directories first, then by the bytes of the name. When reading stops midway, what was read so far.
 *
 * @throws {RangeError} When `directory` is something else.
 */
export async function listDirectory(files: FileSystem, directory: string): Promise<DirectoryListing> {
  if (directory.includes("\0")) {
    throw new FileRefusedError(400, `path must not contain a NUL character: ${JSON.stringify(directory)}`);
  }
  if (!(await files.stat(directory)).isDirectory) throw new RangeError(`path "${directory}" is not a directory`);
  const entries: DirectoryEntry[] = [];
  try {
    for await (const entry of files.readDirectory(directory)) entries.push(entry);
  } catch (error) {
    // A directory that cannot be read at all is an error; one that vanishes while being read gives what was seen.
    if (entries.length === 0) throw error;
  }
  entries.sort((a, b) => Number(b.isDirectory) - Number(a.isDirectory) || compareBytes(a.name, b.name));
  return {
    absolute_path: directory.split("/").filter((part) => part !== ""),
    absolute_path_string: directory,
    contents: entries.map(({ name, isDirectory }) => ({
      name,
      absolute_path_string: join(directory, name),
      is_dir: isDirectory,
    })),
  };
}

/** Order of the UTF-8 forms, which is that of code points; JavaScript's own order differs above U+FFFF. */
function compareBytes(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    if (a[at] === b[at]) continue;
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    return isSurrogate(left) === isSurrogate(right) ? left - right : isSurrogate(left) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}
