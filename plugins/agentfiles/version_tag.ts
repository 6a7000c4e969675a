/**
 * Versions of files as entity tags (RFC 9110, section 8.8.3).
 *
 * A file of up to {@linkcode AgentfilesConfig.versionHashBytes} is tagged by a hash of its contents. A bigger one is not read
 * for that: its tag is a hash of device, inode, size and times, strong enough for everything but a change in place that keeps
 * the size within one millisecond of the last one.
 *
 * @module
 */
import { eTag, ifMatch, ifNoneMatch } from "@std/http/etag";

import { FileRefusedError } from "./file_errors.ts";
import { type FileFacts, type FileSystem, readUpTo } from "./file_system.ts";

/** Tag of contents held in memory. */
export async function tagOfBytes(bytes: Uint8Array): Promise<string> {
  return await eTag(bytes) as string;
}

/** Tag of a file that is too big to be hashed. */
export async function tagOfFacts({ dev, ino, size, mtime, ctime }: FileFacts): Promise<string> {
  return await eTag(`${dev}:${ino}:${size}:${mtime?.getTime()}:${ctime?.getTime()}`) as string;
}

/**
 * The version of the regular file at `path`.
 *
 * @param facts What is known about it; decides how the version is made.
 */
export async function versionOf(
  files: FileSystem,
  path: string,
  facts: FileFacts,
  hashBytes: number,
): Promise<string> {
  if (facts.size > hashBytes) return await tagOfFacts(facts);
  const file = await files.open(path);
  try {
    const { bytes, more } = await readUpTo(file, hashBytes, facts.size);
    return more ? await tagOfFacts(await file.stat()) : await tagOfBytes(bytes);
  } finally {
    file.close();
  }
}

/** What a request demands of the version it is about to replace. */
export interface Precondition {
  /** `If-Match`: one of these versions, or `*` for any. */
  readonly ifMatch: string | null;
  /** `If-None-Match`: none of these versions; `*` for "the file must not exist". */
  readonly ifNoneMatch: string | null;
}

/** Nothing is demanded. */
export const UNCONDITIONAL: Precondition = Object.freeze({ ifMatch: null, ifNoneMatch: null });

/** What the headers of a request demand. */
export function preconditionOf(headers: Headers): Precondition {
  return { ifMatch: headers.get("if-match"), ifNoneMatch: headers.get("if-none-match") };
}

/** Whether anything is demanded, so that a version need not be computed in vain. */
export function isConditional({ ifMatch, ifNoneMatch }: Precondition): boolean {
  return ifMatch !== null || ifNoneMatch !== null;
}

/**
 * Checks the version of a file, `undefined` when it does not exist.
 *
 * @throws {FileRefusedError} 412 when the version is not the demanded one.
 */
export function requireVersion(path: string, version: string | undefined, precondition: Precondition): void {
  if (precondition.ifMatch !== null && (version === undefined || !ifMatch(precondition.ifMatch, version))) {
    const now = version === undefined ? "does not exist" : `has version ${version}`;
    throw new FileRefusedError(
      412,
      `precondition failed for ${path}: expected version ${precondition.ifMatch}, but the file ${now}; read it again`,
      "agentfiles_version_mismatch",
    );
  }
  if (precondition.ifNoneMatch !== null && version !== undefined && !ifNoneMatch(precondition.ifNoneMatch, version)) {
    throw new FileRefusedError(
      412,
      `precondition failed for ${path}: the file exists with version ${version}`,
      "agentfiles_version_mismatch",
    );
  }
}
