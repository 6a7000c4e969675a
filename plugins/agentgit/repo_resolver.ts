/**
 * Finds the repository a path belongs to.
 *
 * @module
 */
import { basename, dirname, isAbsolute, join, resolve } from "@std/path";

import type { Git } from "./git_command.ts";

/** Where a working tree and its administrative files are. */
export interface Repo {
  /** Top of the working tree, absolute, without symbolic links. */
  readonly root: string;
  /** Files of this working tree alone: `HEAD` and `index`. */
  readonly gitDir: string;
  /** Files shared by all working trees of the repository: refs and configuration. Equal to `gitDir` but in linked ones. */
  readonly commonDir: string;
}

/** Git commands run at the same time: they are short, and mostly wait for the disk. */
const PARALLEL_LOOKUPS = 8;

/** Finds repositories, and remembers those it found. */
export class RepoResolver {
  readonly #git: Git;
  /** Directories that hold a `.git` entry and what git said about them. */
  readonly #known = new Map<string, Repo>();

  constructor(git: Git) {
    this.#git = git;
  }

  /**
   * The repositories that `paths` lie in, each once; the nearest one where they are nested. A path that does not exist is
   * looked up by its parent directory. Relative paths and paths outside of repositories are skipped.
   *
   * @throws {GitMissingError} When git is not there.
   */
  async resolve(paths: readonly string[], signal?: AbortSignal): Promise<readonly Repo[]> {
    const directories = await unique(paths.filter((path) => isAbsolute(path)), directoryOf);
    const candidates = await unique(directories, nearestWithGitEntry);
    const repos = new Map<string, Repo>();
    for (let at = 0; at < candidates.length; at += PARALLEL_LOOKUPS) {
      const batch = candidates.slice(at, at + PARALLEL_LOOKUPS);
      for (const repo of await Promise.all(batch.map((candidate) => this.#lookUp(candidate, signal)))) {
        if (repo) repos.set(repo.root, repo);
      }
    }
    return [...repos.values()];
  }

  /** Forgets a repository that is gone, so that a new one in its place is looked up again. */
  forget(root: string): void {
    for (const [candidate, repo] of this.#known) if (repo.root === root) this.#known.delete(candidate);
  }

  async #lookUp(candidate: string, signal?: AbortSignal): Promise<Repo | undefined> {
    const known = this.#known.get(candidate);
    if (known) return known;
    const repo = await repoAt(this.#git, candidate, signal);
    if (repo) this.#known.set(candidate, repo);
    return repo;
  }
}

/**
 * The repository whose working tree contains `directory`.
 *
 * @throws {GitMissingError} When git is not there.
 */
export async function repoAt(git: Git, directory: string, signal?: AbortSignal): Promise<Repo | undefined> {
  const args = ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"];
  const { isOk, output } = await git.run(args, { directory, signal });
  if (!isOk) return undefined;
  const [top = "", gitDir = "", commonDir = ""] = new TextDecoder().decode(output).split("\n");
  try {
    return { root: await Deno.realPath(top), gitDir, commonDir: resolve(directory, commonDir) };
  } catch {
    return undefined; // Deleted in the meantime, or a name that is not UTF-8: neither can be watched.
  }
}

async function unique(
  items: readonly string[],
  map: (item: string) => Promise<string | undefined>,
): Promise<readonly string[]> {
  const mapped = await Promise.all([...new Set(items)].map(map));
  return [...new Set(mapped.filter((item) => item !== undefined))];
}

async function directoryOf(path: string): Promise<string | undefined> {
  const isDirectory = await Deno.stat(path).then((info) => info.isDirectory, () => false);
  return await Deno.realPath(isDirectory ? path : dirname(path)).catch(() => undefined);
}

/** Saves a git process for each directory outside of repositories. Inside a `.git` directory there is no working tree. */
async function nearestWithGitEntry(directory: string): Promise<string | undefined> {
  for (let at = directory; basename(at) !== ".git"; at = dirname(at)) {
    const hasEntry = await Deno.lstat(join(at, ".git")).then(() => true, () => false);
    if (hasEntry) return at;
    if (dirname(at) === at) return undefined;
  }
  return undefined;
}
