/**
 * Cheap signs that files have changed: size, times and inode, as git itself uses them.
 *
 * @module
 */
import { join } from "@std/path";

import type { Repo } from "./repo_resolver.ts";

/** A state of some files. Equal stamps mean equal content, unless one of them is fresh. */
export interface Stamp {
  readonly text: string;
  /**
   * Some file changed so shortly before the stamp was taken that a further change could carry the same time. A fresh stamp
   * proves nothing.
   */
  readonly isFresh: boolean;
}

/** File times have steps of up to 10 ms on Linux (one tick at 100 Hz), and of 2 s on FAT, which cannot hold repositories well. */
const FRESH_MS = 50;

/** Stats files. A missing file is part of the stamp; one that cannot be looked at makes it fresh. */
export async function stampOf(paths: readonly string[], now: number = Date.now()): Promise<Stamp> {
  let isFresh = false;
  const parts = await Promise.all(paths.map(async (path) => {
    try {
      const info = await Deno.lstat(path);
      const changed = Math.max(info.mtime?.getTime() ?? now, info.ctime?.getTime() ?? 0);
      if (changed > now - FRESH_MS) isFresh = true;
      return `${info.size} ${info.mtime?.getTime()} ${info.ctime?.getTime()} ${info.ino} ${info.mode}`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) isFresh = true;
      return "-";
    }
  }));
  return { text: parts.join("\n"), isFresh };
}

/** Stamp of what commits, checkouts, resets and changes of the configuration touch. */
export function repoStamp(repo: Repo, branch: string): Promise<Stamp> {
  return stampOf([
    join(repo.gitDir, "HEAD"),
    join(repo.gitDir, "index"),
    join(repo.gitDir, "logs", "HEAD"),
    join(repo.commonDir, "packed-refs"),
    join(repo.commonDir, "info", "exclude"),
    ...(branch === "" ? [] : [join(repo.commonDir, "refs", "heads", branch)]),
    ...configFiles(repo),
  ]);
}

/** Files that hold a repository's own configuration. */
export function configFiles(repo: Repo): readonly string[] {
  return [join(repo.commonDir, "config"), join(repo.gitDir, "config.worktree")];
}
