/**
 * Diffs of files that git does not track.
 *
 * @module
 */
import { join } from "@std/path";

import { openTemporaryDirectory } from "../../core/temporary_directory.ts";
import { type BytePath, pathList, textOf } from "./byte_path.ts";
import type { Git } from "./git_command.ts";
import { DiffCollector, type FileDiff, headOnlyDiff } from "./unified_diff.ts";

/** How {@linkcode diffUntracked} works. */
export interface UntrackedOptions {
  /** Top of the working tree. */
  readonly root: string;
  /** Larger files get a head without content; the same for all files once this much content was collected. */
  readonly maxBytes: number;
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Given each piece of the diff as git writes it. */
  readonly onOutput?: (piece: Uint8Array) => void | Promise<void>;
}

/** Files compared by one git process: bounds what is read again when the cap is reached in the middle. */
const MAX_BATCH_FILES = 256;

/** Options that make git's diff output the same whatever the user configured. */
export const DIFF_OPTIONS: readonly string[] = [
  "--no-color",
  "--no-ext-diff",
  "--no-textconv",
  "--no-relative",
  "--submodule=short",
  "--src-prefix=a/",
  "--dst-prefix=b/",
];

/**
 * Compares untracked files with nothing, many at a time: an empty index of its own gets them as files that are going to be
 * added, so that one `git diff` shows them all. The repository is not written to.
 *
 * @throws {GitMissingError} When git is not there.
 */
export async function diffUntracked(
  git: Git,
  paths: readonly BytePath[],
  options: UntrackedOptions,
): Promise<readonly FileDiff[]> {
  const sizes = await Promise.all(paths.map((path) => sizeOf(join(options.root, textOf(path)))));
  const diffs: FileDiff[] = [];
  let collected = 0;
  let batch: BytePath[] = [];
  let batchBytes = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    const found = await diffBatch(git, batch, options);
    collected += found.reduce((sum, file) => sum + file.bytes, 0);
    diffs.push(...found);
    batch = [];
    batchBytes = 0;
  };
  for (const [index, path] of paths.entries()) {
    const size = sizes[index] ?? 0;
    if (batch.length === MAX_BATCH_FILES || batchBytes + size > options.maxBytes) await flush();
    if (size > options.maxBytes || collected > options.maxBytes) {
      await flush();
      diffs.push(headOnlyDiff(path, size));
    } else {
      batch.push(path);
      batchBytes += size;
    }
  }
  await flush();
  return diffs;
}

async function diffBatch(
  git: Git,
  paths: readonly BytePath[],
  options: UntrackedOptions,
): Promise<readonly FileDiff[]> {
  const collector = new DiffCollector(options.maxBytes);
  const onOutput = (piece: Uint8Array) => {
    collector.push(piece);
    return options.onOutput?.(piece);
  };
  const { root, signal } = options;
  const directory = root;
  const only = paths.length === 1 ? await plainFileName(root, paths[0]!) : undefined;
  if (only !== undefined) {
    const args = ["diff", "--no-index", ...DIFF_OPTIONS, "--", "/dev/null", only];
    await git.run(args, { directory, signal, env: options.env, onOutput });
    collector.end();
    return collector.files;
  }

  await using temporary = await openTemporaryDirectory("outpost-git-");
  const list = join(temporary.path, "paths");
  await Deno.writeFile(list, pathList(paths));
  // Objects go to the temporary directory too: the repository may be read-only, and must not grow by being looked at.
  const env = { ...options.env, GIT_INDEX_FILE: join(temporary.path, "index"), GIT_OBJECT_DIRECTORY: temporary.path };
  const add = ["add", "--intent-to-add", "--ignore-errors", `--pathspec-from-file=${list}`, "--pathspec-file-nul"];
  await git.run(add, { directory, signal, env });
  await git.run(["diff", ...DIFF_OPTIONS, "--no-renames"], { directory, signal, env, onOutput });
  collector.end();
  return collector.files;
}

async function sizeOf(path: string): Promise<number> {
  return await Deno.lstat(path).then((info) => info.isFile ? info.size : 0, () => 0);
}

/** The name in a form git takes as an argument, or `undefined`: links, odd bytes and `-` need the long way. */
async function plainFileName(root: string, path: BytePath): Promise<string | undefined> {
  const name = textOf(path);
  const isFile = await Deno.lstat(join(root, name)).then((info) => info.isFile, () => false);
  return isFile && name !== "-" && !name.includes("\ufffd") ? name : undefined;
}
