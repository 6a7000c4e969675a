/**
 * Follows symbolic links.
 *
 * @module
 */
import { fileErrorKind, LinkLimitError } from "./file_errors.ts";
import type { FileSystem } from "./file_system.ts";

/** Links followed for one path; the kernel has the same limit (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * The path with every symbolic link of its existing part resolved. Components that do not exist are kept, so the result may
 * name a file that is still to be written. `..` goes up from where the links have led, as the kernel does it.
 *
 * @param path Absolute, with `/`.
 * @throws {LinkLimitError} When more than 40 links follow each other.
 * @throws What the file system throws, for example when a directory may not be searched or a component is a file.
 */
export async function resolvePath(files: FileSystem, path: string): Promise<string> {
  const pending = path.split("/").reverse();
  let resolved = "";
  let links = 0;
  let missing = false;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      resolved = resolved.slice(0, Math.max(0, resolved.lastIndexOf("/")));
      missing = false;
      continue;
    }
    const next = `${resolved}/${name}`;
    const target: string | null | undefined = missing ? undefined : await linkTarget(files, next);
    if (typeof target === "string") {
      if (++links > MAX_LINKS) throw new LinkLimitError(path, MAX_LINKS);
      if (target.startsWith("/")) resolved = "";
      pending.push(...target.split("/").reverse());
      continue;
    }
    missing ||= target === undefined;
    resolved = next;
  }
  return resolved === "" ? "/" : resolved;
}

/** Where a link leads; `null` for anything else that exists, `undefined` for what does not. */
async function linkTarget(files: FileSystem, path: string): Promise<string | null | undefined> {
  try {
    const facts = await files.lstat(path);
    return facts.isSymlink ? await files.readLink(path) : null;
  } catch (error) {
    if (fileErrorKind(error) === "missing") return undefined;
    throw error;
  }
}
