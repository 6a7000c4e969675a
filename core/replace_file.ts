/**
 * Replaces a small file whole.
 *
 * @module
 */
import { dirname } from "@std/path";

import { writeFailure } from "./write_failure.ts";

/** What {@linkcode replaceFile} can be told. */
export interface ReplaceFileOptions {
  /** Mode of a file that was not there. An existing one keeps its own. Default 0600. */
  readonly newFileMode?: number;
  /** Mode of directories that are made on the way. Default 0700. */
  readonly directoryMode?: number;
}

/**
 * Writes beside the file and renames, so that nobody ever reads half of it, and a full disk leaves the old one. Follows a
 * symbolic link to the file it stands for.
 *
 * @throws {Error} What the file system says, with the path and what to do where it is full; nothing was changed then.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  options: ReplaceFileOptions = {},
): Promise<void> {
  try {
    await replace(path, content, options);
  } catch (error) {
    throw writeFailure(path, error);
  }
}

async function replace(
  path: string,
  content: string | Uint8Array,
  { newFileMode = 0o600, directoryMode = 0o700 }: ReplaceFileOptions,
): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: directoryMode });
  const target = await Deno.realPath(path).catch(() => path); // It is not there yet.
  const mode = (await Deno.stat(target).catch(() => undefined))?.mode ?? newFileMode;
  const draft = `${target}.${crypto.randomUUID()}`;
  try {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(draft, bytes, { createNew: true, mode: 0o600 });
    await Deno.chmod(draft, mode & 0o7777);
    await Deno.rename(draft, target);
  } catch (error) {
    await Deno.remove(draft).catch(() => {}); // It was never made, or is renamed already.
    throw error;
  }
}
