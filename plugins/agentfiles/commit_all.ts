/**
 * Puts several prepared files in place, or none.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import { type PreparedFile, temporaryName } from "./atomic_write.ts";
import type { FileSystem } from "./file_system.ts";

/** A rename of several failed. */
export class CommitError extends Error {
  override readonly name = "CommitError";

  /**
   * @param target The file that could not be replaced.
   * @param changed Files that have their new contents and could not be put back.
   */
  constructor(readonly target: string, readonly changed: readonly string[], override readonly cause: unknown) {
    super(`Cannot replace "${target}": ${messageOf(cause)}`, { cause });
  }
}

/**
 * Renames one prepared file after the other. When one fails, those before it are put back from second names (hard links) made
 * beforehand, where the file system has them; all temporary files are gone in the end.
 *
 * A crash in between can leave some files new and others old: no file system renames several files in one step.
 *
 * @throws {CommitError} When a rename fails. Says which files stayed changed.
 */
export async function commitAll(files: FileSystem, prepared: readonly PreparedFile[]): Promise<void> {
  const backups = prepared.length > 1 ? await linkBackups(files, prepared) : new Map<string, string>();
  const done: string[] = [];
  try {
    for (const file of prepared) {
      try {
        await file.commit();
      } catch (error) {
        throw new CommitError(file.target, await putBack(files, done, backups), error);
      }
      done.push(file.target);
    }
  } finally {
    await Promise.all(prepared.map((file) => file.discard()));
    for (const backup of backups.values()) {
      await files.remove(backup).catch(() => {}); // Used to put a file back, or out of reach.
    }
  }
}

/** Second names of the targets, by target. The last one needs none: nothing can fail behind it. */
async function linkBackups(files: FileSystem, prepared: readonly PreparedFile[]): Promise<Map<string, string>> {
  const backups = new Map<string, string>();
  for (const { target } of prepared.slice(0, -1)) {
    const backup = temporaryName(target);
    try {
      await files.link(target, backup);
      backups.set(target, backup);
    } catch {
      // Without hard links this file cannot be put back; the error of a failed rename then names it.
    }
  }
  return backups;
}

/** Puts files back, newest first. Returns those for which that failed. */
async function putBack(
  files: FileSystem,
  done: readonly string[],
  backups: ReadonlyMap<string, string>,
): Promise<string[]> {
  const changed: string[] = [];
  for (const target of done.toReversed()) {
    const backup = backups.get(target);
    try {
      if (backup === undefined) throw new Error("no backup");
      await files.rename(backup, target);
    } catch {
      changed.unshift(target); // The caller reports it by name.
    }
  }
  return changed;
}
