/**
 * One file of one commit.
 *
 * @module
 */
import { isAbsolute, normalize, relative } from "@std/path";

import { HttpProblem } from "../../core/errors.ts";
import type { Git } from "./git_command.ts";
import { repoAt } from "./repo_resolver.ts";

/** Which file to show. */
export interface ShownFile {
  /** Top of a working tree. */
  readonly repoRoot: string;
  /** Relative to the top; an absolute path inside of it is accepted. */
  readonly path: string;
  /** Commit, branch or tag. */
  readonly ref: string;
  /** Largest file shown, in bytes. */
  readonly maxBytes: number;
  /** Ends the work: nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * Reads a file as it was in a commit.
 *
 * @throws {HttpProblem} 400 when `repoRoot` is not a repository or a parameter cannot be meant, 404 when the commit has no
 * such file, 422 when the file is binary or too large.
 * @throws {GitMissingError} When git is not there.
 */
export async function showFile(git: Git, file: ShownFile): Promise<string> {
  const { repoRoot, ref, maxBytes, signal } = file;
  const repo = isAbsolute(repoRoot) ? await repoAt(git, repoRoot, signal) : undefined;
  const isRoot = repo !== undefined && await Deno.realPath(repoRoot).catch(() => "") === repo.root;
  if (!isRoot) throw new HttpProblem(400, `Cannot show a file: "${repoRoot}" is not a git repository`);
  checkRef(ref);
  const path = normalize(isAbsolute(file.path) ? relative(repo.root, file.path) : file.path);
  if (path === ".." || path.startsWith("../")) {
    throw new HttpProblem(400, `Cannot show "${file.path}": the path leads out of the repository`);
  }

  const args = ["cat-file", "blob", `${ref}:${path}`];
  const result = await git.run(args, { directory: repo.root, maxBytes, signal });
  if (result.isCut) throw new HttpProblem(422, `Cannot show "${file.path}": the file is larger than ${maxBytes} bytes`);
  if (!result.isOk) {
    throw new HttpProblem(404, `Cannot find "${file.path}" in "${ref}"`, { detail: result.complaint });
  }
  if (result.output.includes(0)) throw new HttpProblem(422, `Cannot show "${file.path}": the file is binary`);
  return new TextDecoder().decode(result.output);
}

/**
 * Refuses what git would read as an option or as more than the name of a commit.
 *
 * @throws {HttpProblem} 400.
 */
export function checkRef(ref: string): void {
  // deno-lint-ignore no-control-regex -- git forbids control characters in names of refs.
  if (/^-|[\x00-\x20\x7f:?*[\\]|\.\./.test(ref)) {
    throw new HttpProblem(400, `Cannot use "${ref}" as a commit: expected the name of a commit, branch or tag`);
  }
}
