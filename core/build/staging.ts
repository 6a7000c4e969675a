/**
 * Where a build makes its files, so that nothing half made is ever found in their places.
 *
 * @module
 */
import { dirname, join } from "@std/path";

import { replaceFile } from "../replace_file.ts";
import { writeFailure } from "../write_failure.ts";

/** A directory for what programs of the build write. Disposing removes it with all that was not put in place. */
export interface Staging extends AsyncDisposable {
  /** Absolute; on the file system of the file it was made for. */
  readonly path: string;
}

/** Makes a directory beside `file`, which is to come out of it. @throws {Error} What the file system says, with `file`. */
export async function openStaging(file: string): Promise<Staging> {
  const path = join(dirname(file), `.building-${crypto.randomUUID()}`);
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw writeFailure(file, error);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Writes a file whole, for all to read and to commit. One that is the same already is left alone. @throws {Error} With the path. */
export async function putInPlace(path: string, text: string): Promise<void> {
  const present = await Deno.readTextFile(path).catch(() => undefined); // Not there, or to be replaced anyway.
  if (present !== text) await replaceFile(path, text, { newFileMode: 0o644, directoryMode: 0o755 });
}
