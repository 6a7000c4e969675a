/**
 * The state of a repository and its diffs for programs that ask once.
 *
 * @module
 */
import { isAbsolute, join, relative } from "@std/path";

import { HttpProblem } from "../../core/errors.ts";
import { type BytePath, bytePathFrom, bytePathOf, textOf } from "./byte_path.ts";
import { firstLine, type Git } from "./git_command.ts";
import { type Repo, RepoResolver } from "./repo_resolver.ts";
import { checkRef } from "./show_file.ts";
import { parseStatus, type Status } from "./status.ts";
import { DiffCollector, type FileDiff, joinDiffs } from "./unified_diff.ts";
import { DIFF_OPTIONS, diffUntracked } from "./untracked.ts";

/** One file that differs. */
export interface ReportedFile {
  /** Relative to the top; bytes that are not UTF-8 are shown as U+FFFD. */
  readonly path: string;
  /** Index and working tree, as `git status --short` shows them. */
  readonly status: string;
  /** Bytes of the file now; absent when it is deleted, a directory or not readable. */
  readonly size?: number;
  /** The file holds a NUL byte in its first 8000 bytes, which is how git tells. */
  readonly binary: boolean;
}

/** Answer of `GET /status`. */
export interface StatusReport {
  readonly repo_root: string;
  readonly branch: string;
  readonly remote_origin: string;
  /** Object name of the last commit; empty when there is none. */
  readonly commit: string;
  readonly files: readonly ReportedFile[];
}

/** Answer of `GET /diff`. */
export interface DiffReport {
  readonly repo_root: string;
  readonly base: string;
  readonly unified_diff: string;
  readonly truncated: boolean;
  readonly total_bytes: number;
}

/** Bounds of a diff. */
export interface DiffRequest {
  /** Commit, branch or tag the working tree is compared with. */
  readonly base: string;
  readonly maxBytes: number;
  /** Ends the work: nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** How far git looks for a NUL byte to call a file binary (`FIRST_FEW_BYTES` in its sources). */
const BINARY_PROBE_BYTES = 8000;
/** Files looked into at the same time: each needs a descriptor, and a process has not many. */
const PARALLEL_PROBES = 32;

/**
 * What differs at or below `path`.
 *
 * @param signal Ends the work: nobody waits for the answer any more.
 * @throws {HttpProblem} 400 when `path` is not in a repository, 500 when git fails.
 * @throws {GitMissingError} When git is not there.
 */
export async function reportStatus(git: Git, path: string, signal: AbortSignal): Promise<StatusReport> {
  const place = await placeOf(git, path, signal);
  const directory = place.repo.root;
  const status = await statusOf(git, place, signal);
  const origin = await git.run(["config", "--get", "remote.origin.url"], { directory, signal });
  const files: ReportedFile[] = [];
  for (let at = 0; at < status.entries.length; at += PARALLEL_PROBES) {
    signal.throwIfAborted();
    const batch = status.entries.slice(at, at + PARALLEL_PROBES);
    files.push(...await Promise.all(batch.map(({ path, code }) => reportFile(directory, path, code))));
  }
  return {
    repo_root: directory,
    branch: status.branch,
    remote_origin: origin.isOk ? firstLine(origin) : "",
    commit: status.commit,
    files,
  };
}

/**
 * How the working tree at or below `path` differs from a commit; untracked files count as new.
 *
 * @throws {HttpProblem} 400 when `path` is not in a repository or `base` is not a name, 404 when there is no such commit, 500
 * when git fails.
 * @throws {GitMissingError} When git is not there.
 */
export async function reportDiff(git: Git, path: string, request: DiffRequest): Promise<DiffReport> {
  const { base, maxBytes, signal } = request;
  checkRef(base);
  const place = await placeOf(git, path, signal);
  const directory = place.repo.root;
  const status = await statusOf(git, place, signal);
  const tracked = base === "HEAD" && status.commit === "" ? [] : await diffTracked(git, place, { ...request, status });
  const untracked = status.entries.filter(({ kind, path }) => kind === "untracked" && !path.endsWith("/"));
  const added = await diffUntracked(git, untracked.map((entry) => entry.path), {
    ...{ root: directory, maxBytes, env: {}, signal },
  });
  const files = [...tracked, ...added];
  const diff = joinDiffs(files, maxBytes);
  const total_bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { repo_root: directory, base, unified_diff: diff.text, truncated: diff.isTruncated, total_bytes };
}

async function diffTracked(
  git: Git,
  { repo, within }: Place,
  { base, maxBytes, signal, status }: DiffRequest & { readonly status: Status },
): Promise<readonly FileDiff[]> {
  const directory = repo.root;
  const isCommit =
    (await git.run(["rev-parse", "--verify", "--quiet", `${base}^{commit}`], { directory, signal })).isOk;
  if (!isCommit) throw new HttpProblem(404, `Cannot find the commit "${base}"`);
  // Where nothing is staged the index stands for the commit, and git compares a part of the tree with it at once.
  const isUnstaged = status.entries.every(({ kind, code }) => kind === "untracked" || code.startsWith("."));
  let args = [base, "-M", "--", ...within];
  let collector = new DiffCollector(maxBytes);
  if (base === "HEAD" && isUnstaged) {
    args = ["-M", "--", ...within];
  } else if (within.length > 0 && await isSlowInParts(repo)) {
    args = [base, "--no-renames", "--"];
    collector = new DiffCollector(maxBytes, (path) => isWithin(path, within));
  }
  const result = await git.run(["diff", ...DIFF_OPTIONS, ...args], {
    directory,
    signal,
    onOutput: (piece) => collector.push(piece),
  });
  if (!result.isOk) throw failed(result.complaint);
  collector.end();
  return collector.files;
}

/**
 * Git 2.39 needs minutes to compare one path of 200,000 with a commit, and a second to compare them all: its time grows with
 * the square of the index. From this size of the index on, in bytes, all are compared and the others left out.
 */
const LARGE_INDEX_BYTES = 1024 * 1024;

async function isSlowInParts({ gitDir }: Repo): Promise<boolean> {
  const size = await Deno.stat(join(gitDir, "index")).then(({ size }) => size, () => 0);
  return size > LARGE_INDEX_BYTES;
}

function isWithin(path: BytePath, within: readonly string[]): boolean {
  return within.map(bytePathOf).some((part) => path === part || path.startsWith(`${part}/`));
}

interface Place {
  readonly repo: Repo;
  /** Pathspecs that narrow a command to what was asked for. */
  readonly within: readonly string[];
}

async function placeOf(git: Git, path: string, signal: AbortSignal): Promise<Place> {
  const repo = isAbsolute(path) ? (await new RepoResolver(git).resolve([path], signal)).at(0) : undefined;
  if (!repo) throw new HttpProblem(400, `Cannot find a git repository at "${path}"`);
  const inside = relative(repo.root, await Deno.realPath(path).catch(() => path));
  return { repo, within: inside === "" || inside.startsWith("..") ? [] : [inside] };
}

async function statusOf(git: Git, place: Place, signal: AbortSignal): Promise<Status> {
  const args = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames"];
  const result = await git.run([...args, "--", ...place.within], { directory: place.repo.root, signal });
  if (!result.isOk) throw failed(result.complaint);
  return parseStatus(result.output);
}

async function reportFile(root: string, path: BytePath, status: string): Promise<ReportedFile> {
  const name = textOf(path);
  const isReadable = bytePathOf(name) === path;
  const found = isReadable ? await probe(join(root, name)) : undefined;
  return { path: name, status, ...(found && { size: found.size }), binary: found?.isBinary ?? false };
}

async function probe(path: string): Promise<{ size: number; isBinary: boolean } | undefined> {
  try {
    const { isFile, size } = await Deno.lstat(path);
    if (!isFile) return undefined;
    using file = await Deno.open(path);
    const start = new Uint8Array(BINARY_PROBE_BYTES);
    const length = await file.read(start) ?? 0;
    return { size, isBinary: bytePathFrom(start.subarray(0, length)).includes("\0") };
  } catch {
    return undefined; // Gone or not readable: there is no size to tell.
  }
}

function failed(complaint: string): HttpProblem {
  return new HttpProblem(500, "Cannot read the repository", { code: "agentgit_git_failed", detail: complaint });
}
