/**
 * Looks at one repository and says how its working tree differs from the last commit.
 *
 * @module
 */
import { dirname, join, relative } from "@std/path";

import { type BytePath, bytePathFrom, bytePathOf, textOf } from "./byte_path.ts";
import { configFiles, repoStamp, type Stamp, stampOf } from "./fingerprint.ts";
import { firstLine, type Git } from "./git_command.ts";
import type { Repo } from "./repo_resolver.ts";
import { parseStatus, type Status, type StatusEntry } from "./status.ts";
import { DiffCollector, type FileDiff } from "./unified_diff.ts";
import { DIFF_OPTIONS, diffUntracked } from "./untracked.ts";

/** What a repository looks like. */
export interface RepoSnapshot {
  readonly root: string;
  /** Short name; empty on a detached HEAD. */
  readonly branch: string;
  /** URL of the remote `origin`; empty when there is none. */
  readonly origin: string;
  /** Tracked files first, then untracked ones, each by name. */
  readonly files: readonly FileDiff[];
}

/** Result of one scan. */
export type ScanOutcome =
  | { readonly kind: "scanned"; readonly snapshot: RepoSnapshot }
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly reason: string };

/** Follows a scan while it runs. */
export interface ScanProgress {
  /** Called before any output, with what is known then. */
  start(facts: { readonly branch: string; readonly origin: string; readonly totalFiles: number }): void;
  /** Called with each piece of the diff; git waits until it is done. */
  piece(bytes: Uint8Array): void | Promise<void>;
}

/** How to scan. */
export interface ScanOptions {
  readonly signal?: AbortSignal;
  readonly progress?: ScanProgress;
  /** Absolute paths that changed, when nothing else did as far as the caller knows. Slow repositories are scanned there only. */
  readonly touched?: ReadonlySet<string>;
}

/** Bounds of a scanner. */
export interface ScannerLimits {
  readonly maxDiffBytes: number;
  /** Scans that took longer than this are followed by partial ones where possible, in milliseconds. */
  readonly fullScanBudgetMs: number;
}

/** Paths a partial scan looks at; with more, a full scan is hardly slower. */
const MAX_PARTIAL_PATHS = 64;
/** Files that decide about other files. */
const RULE_FILES = /(^|\/)\.git(ignore|attributes|modules)$/;
const STATUS_ARGS = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames"];

/** What the last scan found. */
interface Memory {
  readonly snapshot: RepoSnapshot;
  readonly status: Status;
  /** Equal fingerprints mean equal snapshots; absent when a file was fresh, and after a partial scan. */
  readonly fingerprint?: string;
  /** Stamp of the administrative files; empty when it proves nothing. */
  readonly repoStamp: string;
  readonly tookMs: number;
  readonly untracked: ReadonlyMap<BytePath, { readonly stamp: string; readonly diff: FileDiff }>;
}

/** Scans one repository, again and again. One scan at a time. */
export class RepoScanner {
  readonly #git: Git;
  readonly #limits: ScannerLimits;
  #memory: Memory | undefined;
  #origin: { stamp: string; url: string } | undefined;

  constructor(readonly repo: Repo, git: Git, limits: ScannerLimits) {
    this.#git = git;
    this.#limits = limits;
  }

  /** Files that differed in the last scan. */
  get entries(): readonly StatusEntry[] {
    return this.#memory?.status.entries ?? [];
  }

  /** Whether the last scan looked at everything. */
  get isComplete(): boolean {
    return this.#isComplete;
  }
  #isComplete = false;

  /** Branch of the last scan. */
  get branch(): string {
    return this.#memory?.snapshot.branch ?? "";
  }

  /**
   * Looks at the repository. Failures of the repository are outcomes.
   *
   * @throws {GitMissingError} When git is not there.
   * @throws The signal's reason when aborted.
   */
  async scan(options: ScanOptions = {}): Promise<ScanOutcome> {
    const { root } = this.repo;
    const entry = await Deno.lstat(join(root, ".git")).catch((error) => error as Error);
    if (entry instanceof Deno.errors.NotFound || entry instanceof Deno.errors.NotADirectory) return { kind: "gone" };
    const snapshot = await this.#scanTouched(options) ?? await this.#scanAll(options);
    if (typeof snapshot !== "string") return { kind: "scanned", snapshot };
    const isLink = !(entry instanceof Error) && entry.isFile;
    if (isLink && !(await this.#run(["rev-parse", "--git-dir"], options)).isOk) return { kind: "gone" };
    const isStillThere = await Deno.lstat(join(root, ".git")).then(() => true, () => false);
    return isStillThere ? { kind: "failed", reason: snapshot } : { kind: "gone" };
  }

  /** Returns a string when git failed: what it complained about. */
  async #scanAll(options: ScanOptions): Promise<RepoSnapshot | string> {
    const { repo } = this;
    const startedMs = performance.now();
    const before = await repoStamp(repo, this.branch);
    const result = await this.#run(STATUS_ARGS, options);
    if (!result.isOk) return result.complaint;
    const status = parseStatus(result.output);
    const { entries } = status;
    const stamp = await this.#settledStamp(before, status.branch);
    const files = await stampOf(entries.map((entry) => join(repo.root, textOf(entry.path))));
    const origin = await this.#readOrigin(options);
    const fingerprint = [bytePathFrom(result.output), files.text, origin].join("\0");
    const memory = this.#memory;
    this.#isComplete = true;
    if (memory?.fingerprint === fingerprint) {
      this.#memory = { ...memory, repoStamp: stamp };
      return memory.snapshot;
    }

    const shown = entries.filter((entry) => status.commit !== "" || entry.kind === "untracked");
    options.progress?.start({ branch: status.branch, origin, totalFiles: shown.length });
    const tracked = await this.#diffTracked(shown, options);
    if (typeof tracked === "string") return tracked;
    const untracked = await this.#diffUntracked(shown.filter((entry) => entry.kind === "untracked"), options);
    const diffs = [...untracked.values()].map((file) => file.diff);
    const snapshot = { root: repo.root, branch: status.branch, origin, files: [...tracked, ...diffs] };
    this.#memory = {
      snapshot,
      status,
      fingerprint: files.isFresh ? undefined : fingerprint,
      repoStamp: stamp,
      tookMs: performance.now() - startedMs,
      untracked,
    };
    return snapshot;
  }

  /** The stamp that belongs to a status, or an empty one if something may have changed since `before` was taken. */
  async #settledStamp(before: Stamp, branch: string): Promise<string> {
    if (before.isFresh || (await repoStamp(this.repo, this.branch)).text !== before.text) return "";
    return branch === this.branch ? before.text : (await repoStamp(this.repo, branch)).text;
  }

  async #diffTracked(entries: readonly StatusEntry[], options: ScanOptions): Promise<readonly FileDiff[] | string> {
    if (!entries.some((entry) => entry.kind !== "untracked")) return [];
    return await this.#diff(["HEAD", "-M"], options);
  }

  async #diff(args: readonly string[], options: ScanOptions): Promise<readonly FileDiff[] | string> {
    const collector = new DiffCollector(this.#limits.maxDiffBytes);
    const result = await this.#run(["diff", ...DIFF_OPTIONS, ...args], options, (piece) => {
      collector.push(piece);
      return options.progress?.piece(piece);
    });
    collector.end();
    return result.isOk ? collector.files : result.complaint;
  }

  async #diffUntracked(entries: readonly StatusEntry[], options: ScanOptions): Promise<Memory["untracked"]> {
    const known = this.#memory?.untracked;
    const files = new Map<BytePath, { stamp: string; diff: FileDiff }>();
    const stamps = new Map<BytePath, string>();
    const changed: BytePath[] = [];
    await Promise.all(entries.map(async ({ path }) => {
      if (path.endsWith("/")) return; // A repository inside this one: its files are its own.
      const stamp = await stampOf([join(this.repo.root, textOf(path))]);
      stamps.set(path, stamp.isFresh ? "" : stamp.text);
    }));
    for (const { path } of entries) {
      if (!stamps.has(path)) continue;
      const before = known?.get(path);
      if (!before || before.stamp === "" || before.stamp !== stamps.get(path)) changed.push(path);
    }
    const diffs = await diffUntracked(this.#git, changed, {
      root: this.repo.root,
      maxBytes: this.#limits.maxDiffBytes,
      env: this.#env(),
      signal: options.signal,
      onOutput: (piece) => options.progress?.piece(piece),
    });
    const fresh = new Map(diffs.map((diff) => [diff.path, diff]));
    for (const [path, stamp] of [...stamps].sort(byPath)) {
      const diff = fresh.get(path) ?? (changed.includes(path) ? undefined : known?.get(path)?.diff);
      if (diff) files.set(path, { stamp, diff });
    }
    return files;
  }

  /** Returns `undefined` when only a full scan can tell. */
  async #scanTouched(options: ScanOptions): Promise<RepoSnapshot | undefined> {
    const memory = this.#memory;
    const paths = await this.#partialPaths(options.touched);
    if (!memory || !paths) return undefined;
    const known = new Map(memory.status.entries.map((entry) => [entry.path, entry]));
    const maybeTracked = paths.filter((path) => known.get(path)?.kind !== "untracked");
    // Nothing is staged for these paths, so the index stands for the commit. Git 2.39 takes minutes to compare one path of
    // 200,000 with the commit itself, and 20 ms with the index.
    const found = maybeTracked.length === 0 ? [] : await this.#diff(
      ["--no-renames", "--", ...maybeTracked.map(textOf)],
      { signal: options.signal },
    );
    if (typeof found === "string") return undefined;
    // An added or deleted file can be half of a rename.
    if (found.some((file) => /\n(new|deleted) file mode /.test(file.text.slice(0, 1000)))) return undefined;
    const tracked = new Map(found.map((file) => [file.path, file]));
    const unclear = paths.filter((path) => !tracked.has(path) && known.get(path)?.kind !== "tracked");
    const untracked = await this.#listUntracked(unclear, options);

    const others = memory.status.entries.filter((entry) => !paths.includes(entry.path));
    const entries: StatusEntry[] = [
      ...others,
      ...found.map(({ path }) => known.get(path) ?? entryOf(path, "tracked")),
      ...untracked.map((path) => entryOf(path, "untracked")),
    ];
    const untrackedDiffs = await this.#diffUntracked(entries.filter(isUntracked), options);
    const kept = memory.snapshot.files.filter((file) => !paths.includes(file.path) && !memory.untracked.has(file.path));
    const trackedDiffs = [...kept, ...found].sort((one, two) => one.path < two.path ? -1 : 1);
    const snapshot = {
      ...memory.snapshot,
      files: [...trackedDiffs, ...[...untrackedDiffs.values()].map((u) => u.diff)],
    };
    this.#memory = {
      ...memory,
      snapshot,
      status: { ...memory.status, entries },
      fingerprint: undefined,
      untracked: untrackedDiffs,
    };
    this.#isComplete = false;
    return snapshot;
  }

  /** Paths inside this repository, if a partial scan is worth it and cannot go wrong. */
  async #partialPaths(touched?: ReadonlySet<string>): Promise<readonly BytePath[] | undefined> {
    const memory = this.#memory;
    if (!memory || !touched || touched.size === 0 || touched.size > MAX_PARTIAL_PATHS) return undefined;
    if (memory.tookMs < this.#limits.fullScanBudgetMs || memory.status.commit === "") return undefined;
    if ((await repoStamp(this.repo, memory.snapshot.branch)).text !== memory.repoStamp) return undefined;
    const paths: BytePath[] = [];
    for (const path of touched) {
      const real = await realPathOfFile(path);
      const inside = real === undefined ? ".." : relative(this.repo.root, real);
      if (inside === "" || inside.startsWith("..") || RULE_FILES.test(inside)) return undefined;
      paths.push(bytePathOf(inside));
    }
    const isPlain = (path: BytePath) =>
      !memory.snapshot.files.some((file) => file.isRename && file.path === path) &&
      !memory.status.entries.some((entry) =>
        entry.path === path && (entry.isSubmodule || !/^(\.M|\?\?)$/.test(entry.code))
      );
    return paths.every(isPlain) ? [...new Set(paths)] : undefined;
  }

  async #listUntracked(paths: readonly BytePath[], options: ScanOptions): Promise<readonly BytePath[]> {
    if (paths.length === 0) return [];
    const args = ["ls-files", "--others", "--exclude-standard", "-z", "--", ...paths.map(textOf)];
    const { isOk, output } = await this.#run(args, options);
    return isOk ? bytePathFrom(output).split("\0").filter((path) => path !== "") : [];
  }

  async #readOrigin(options: ScanOptions): Promise<string> {
    const stamp = await stampOf(configFiles(this.repo));
    if (this.#origin && !stamp.isFresh && this.#origin.stamp === stamp.text) return this.#origin.url;
    const result = await this.#run(["config", "--get", "remote.origin.url"], options);
    const url = result.isOk ? firstLine(result) : "";
    this.#origin = { stamp: stamp.text, url };
    return url;
  }

  #run(args: readonly string[], options: ScanOptions, onOutput?: (piece: Uint8Array) => void | Promise<void>) {
    return this.#git.run(args, { directory: this.repo.root, signal: options.signal, env: this.#env(), onOutput });
  }

  /** A repository that lost its `.git` must not be taken for the one around it. */
  #env(): Readonly<Record<string, string>> {
    return { GIT_CEILING_DIRECTORIES: dirname(this.repo.root) };
  }
}

function entryOf(path: BytePath, kind: StatusEntry["kind"]): StatusEntry {
  return { path, kind, code: kind === "untracked" ? "??" : ".M", isSubmodule: false };
}

function isUntracked(entry: StatusEntry): boolean {
  return entry.kind === "untracked";
}

function byPath([one]: readonly [BytePath, string], [two]: readonly [BytePath, string]): number {
  return one < two ? -1 : 1;
}

/** The path without symbolic links in its directory; `undefined` for directories and where nothing can be said. */
async function realPathOfFile(path: string): Promise<string | undefined> {
  const isDirectory = await Deno.lstat(path).then((info) => info.isDirectory, () => false);
  if (isDirectory) return undefined;
  const directory = await Deno.realPath(dirname(path)).catch(() => undefined);
  return directory === undefined ? undefined : join(directory, path.slice(dirname(path).length + 1));
}
