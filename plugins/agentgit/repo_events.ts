/**
 * Events of one repository: which of them mean that a scan is worth while.
 *
 * @module
 */
import { basename, dirname, join, relative } from "@std/path";

import { type BytePath, bytePathFrom, bytePathOf, textOf, unquote } from "./byte_path.ts";
import type { DirectoryWatcher, WatchDirectories } from "./file_events.ts";
import type { Git } from "./git_command.ts";
import type { Repo } from "./repo_resolver.ts";
import type { StatusEntry } from "./status.ts";

/** What happened since the last look. */
export interface RepoEventNews {
  /** Something that no path stands for: a commit, a checkout, new rules, lost events. */
  readonly isGeneral: boolean;
  /** Paths that changed and are not ignored by git. */
  readonly paths: ReadonlySet<string>;
}

/** What {@linkcode RepoEvents} needs. */
export interface RepoEventsOptions {
  readonly repo: Repo;
  readonly git: Git;
  readonly watch: WatchDirectories;
  readonly maxDirectories: number;
  /** Called at the first event after {@linkcode RepoEvents.take}, and at each further one. */
  readonly onEvent: () => void;
  /** Called when events cannot be had, once for each reason in a row. */
  readonly onFailure: (error: unknown) => void;
}

/** Files in the administrative directories that say what a scan would show. */
const TELLING_FILES = /^(HEAD|index|packed-refs|config|config\.worktree|exclude)$/;
const RULE_FILES = /^\.git(ignore|attributes|modules)$/;
/** Mode of a submodule in the index. */
const SUBMODULE_MODE = "160000 ";
/** Paths asked about in one git command: their names must fit on a command line. */
const MAX_ASKED_PATHS = 256;
/** Answers remembered; a build that makes more names than this asks again. */
const MAX_REMEMBERED_PATHS = 10_000;

/** Watches a repository's administrative files and, as far as the budget goes, the directories of its files. */
export class RepoEvents implements AsyncDisposable {
  readonly #options: RepoEventsOptions;
  readonly #isIgnored = new Map<string, boolean>();
  #watcher: DirectoryWatcher | undefined;
  #reading: Promise<void> = Promise.resolve();
  #directories: ReadonlySet<string> = new Set();
  #coversTree = false;
  /** Their files are not watched, and yet decide whether a submodule counts as changed. */
  #hasSubmodules = false;
  #mustRelist = true;
  #isGeneral = false;
  #paths = new Set<string>();

  constructor(options: RepoEventsOptions) {
    this.#options = options;
  }

  /** Every change of the working tree would be reported: there is no need to poll. */
  get coversTree(): boolean {
    return this.#coversTree && this.#watcher !== undefined;
  }

  /** Directories watched at present. */
  get watched(): number {
    return this.#watcher === undefined ? 0 : this.#directories.size;
  }

  /**
   * Brings the watched directories up to date. To be called before a scan, so that whatever the scan does not see any more
   * is reported.
   */
  async cover(branch: string, entries: readonly StatusEntry[], signal?: AbortSignal): Promise<void> {
    const appeared = await this.#appearedDirectories(signal);
    if (!this.#mustRelist && appeared.length === 0 && this.#watcher) return;
    const administrative = await existing(this.#administrative(branch));
    const room = this.#options.maxDirectories - administrative.length;
    let tree: ReadonlySet<string> = this.#directories;
    if (this.#mustRelist || this.#watcher === undefined) tree = await this.#treeDirectories(signal);
    const all = new Set([...tree, ...entries.map((entry) => this.#directoryOf(entry.path)), ...appeared]);
    const isComplete = all.size <= room;
    const chosen = isComplete
      ? all
      : [...entries.map((entry) => this.#directoryOf(entry.path)), ...appeared].slice(0, room);
    const wanted = await existing([...administrative, this.#options.repo.root, ...chosen]);
    this.#replace(wanted, isComplete);
  }

  /** Takes what happened so far; events from now on are for the next call. Git is not asked about `known` paths. */
  async take(known: ReadonlySet<string>, signal?: AbortSignal): Promise<RepoEventNews> {
    const isGeneral = this.#isGeneral;
    const seen = this.#paths;
    this.#isGeneral = false;
    this.#paths = new Set();
    if (isGeneral) this.#isIgnored.clear();
    const unknown = [...seen].filter((path) => !known.has(path) && !this.#isIgnored.has(path));
    if (unknown.length > 0) await this.#askIgnored(unknown, signal);
    const paths = new Set([...seen].filter((path) => known.has(path) || this.#isIgnored.get(path) !== true));
    this.#appeared = [...paths];
    return { isGeneral, paths };
  }
  #appeared: readonly string[] = [];

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.[Symbol.dispose]();
    this.#watcher = undefined;
    await this.#reading;
  }

  #replace(wanted: readonly string[], isComplete: boolean): void {
    const before = this.#watcher;
    try {
      const watcher = this.#options.watch(wanted);
      this.#watcher = watcher;
      this.#directories = new Set(wanted);
      this.#coversTree = isComplete && !this.#hasSubmodules;
      this.#mustRelist = false;
      const reading = this.#reading;
      this.#reading = Promise.all([reading, this.#read(watcher)]).then(() => {});
    } catch (error) {
      this.#watcher = undefined;
      this.#mustRelist = true;
      // A directory that vanished since it was listed: the next look lists again.
      if (!(error instanceof Deno.errors.NotFound)) this.#options.onFailure(error);
    }
    before?.[Symbol.dispose]();
  }

  async #read(watcher: DirectoryWatcher): Promise<void> {
    try {
      for await (const event of watcher) this.#note(event.paths, event.isOverflow);
    } catch (error) {
      if (this.#watcher !== watcher) return;
      watcher[Symbol.dispose]();
      this.#watcher = undefined;
      this.#mustRelist = true;
      this.#options.onFailure(error);
    }
  }

  #note(paths: readonly string[], isOverflow: boolean): void {
    const { gitDir, commonDir, root } = this.#options.repo;
    let isNews = isOverflow;
    if (isOverflow) this.#isGeneral = this.#mustRelist = true;
    for (const path of paths) {
      const isAdministrative = isInside(gitDir, path) || isInside(commonDir, path) || path === join(root, ".git");
      if (isAdministrative && !this.#isTelling(path)) continue;
      if (isAdministrative || path === root || RULE_FILES.test(basename(path))) this.#isGeneral = true;
      else this.#paths.add(path);
      if (isAdministrative) this.#mustRelist = true;
      isNews = true;
    }
    if (isNews) this.#options.onEvent();
  }

  #isTelling(path: string): boolean {
    if (path.endsWith(".lock")) return false;
    const { gitDir, commonDir } = this.#options.repo;
    if ([join(this.#options.repo.root, ".git"), gitDir, commonDir].includes(path)) return true;
    return TELLING_FILES.test(basename(path)) || isInside(join(commonDir, "refs", "heads"), path);
  }

  #administrative(branch: string): readonly string[] {
    const { gitDir, commonDir } = this.#options.repo;
    const branchDirectory = dirname(join(commonDir, "refs", "heads", branch === "" ? "x" : branch));
    return [gitDir, commonDir, join(gitDir, "logs"), join(commonDir, "info"), branchDirectory];
  }

  async #treeDirectories(signal?: AbortSignal): Promise<ReadonlySet<string>> {
    const { git, repo, maxDirectories } = this.#options;
    const result = await git.run(["ls-files", "--stage", "-z"], { directory: repo.root, signal });
    const directories = new Set<string>();
    this.#hasSubmodules = false;
    for (const record of bytePathFrom(result.output).split("\0")) {
      if (record.startsWith(SUBMODULE_MODE)) this.#hasSubmodules = true;
      const path = record.slice(record.indexOf("\t") + 1);
      for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
        const directory = path.slice(0, at);
        if (directories.has(directory)) break;
        directories.add(directory);
      }
      if (directories.size > maxDirectories) break;
    }
    return new Set([...directories].map((directory) => join(repo.root, textOf(directory))));
  }

  /** Directories that were made since the last look, with those below them, unless git ignores them. */
  async #appearedDirectories(signal?: AbortSignal): Promise<readonly string[]> {
    const found: string[] = [];
    let level = await onlyDirectories(this.#appeared.filter((path) => !this.#directories.has(path)));
    this.#appeared = [];
    while (level.length > 0 && found.length <= this.#options.maxDirectories) {
      await this.#askIgnored(level, signal);
      const kept = level.filter((path) => this.#isIgnored.get(path) !== true && basename(path) !== ".git");
      found.push(...kept);
      level = (await Promise.all(kept.map(subdirectories))).flat();
    }
    return found;
  }

  async #askIgnored(paths: readonly string[], signal?: AbortSignal): Promise<void> {
    const { git, repo } = this.#options;
    if (this.#isIgnored.size > MAX_REMEMBERED_PATHS) this.#isIgnored.clear();
    for (let at = 0; at < paths.length; at += MAX_ASKED_PATHS) {
      const batch = paths.slice(at, at + MAX_ASKED_PATHS);
      // This command knows no literal pathspecs; behind a `./` nothing is taken for a sign.
      const names = batch.map((path) => `./${relative(repo.root, path)}`);
      const env = { GIT_LITERAL_PATHSPECS: "0" };
      const result = await git.run(["check-ignore", "--", ...names], { directory: repo.root, signal, env });
      const ignored = new Set(bytePathFrom(result.output).split("\n").map(unquote));
      batch.forEach((path, index) => this.#isIgnored.set(path, ignored.has(bytePathOf(names[index]!))));
    }
  }

  #directoryOf(path: BytePath): string {
    return dirname(join(this.#options.repo.root, textOf(path)));
  }
}

function isInside(directory: string, path: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

async function existing(paths: readonly string[]): Promise<readonly string[]> {
  return await onlyDirectories([...new Set(paths)]);
}

async function onlyDirectories(paths: readonly string[]): Promise<readonly string[]> {
  const kept = await Promise.all(paths.map(async (path) => {
    return await Deno.lstat(path).then((info) => info.isDirectory, () => false) ? path : undefined;
  }));
  return kept.filter((path) => path !== undefined);
}

async function subdirectories(path: string): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) if (entry.isDirectory) found.push(join(path, entry.name));
  } catch {
    // Gone again, or not readable: git does not see into it either.
  }
  return found;
}
