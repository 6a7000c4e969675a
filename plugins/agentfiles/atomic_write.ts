/**
 * Files that change at once or not at all.
 *
 * The new contents go into a temporary file beside the target, which then takes the target's name in one step. A reader, a
 * crash or a full disk sees the old file or the new one, never a part.
 *
 * @module
 */
import { basename, dirname, join } from "@std/path";

import type { FileFacts, FileSystem, OpenFile } from "./file_system.ts";

/** New contents, complete and on the disk, waiting to take the target's place. */
export interface PreparedFile {
  readonly target: string;
  readonly temporary: string;
  /** Replaces the target. On failure the temporary file is gone and the target is as it was. */
  commit(): Promise<void>;
  /** Removes the temporary file. Harmless after {@linkcode PreparedFile.commit}. Never throws. */
  discard(): Promise<void>;
}

/** How a file is prepared. */
export interface PrepareOptions {
  /** The file to be replaced: its mode and owner are kept. Absent: a new file, mode 0666 less the umask. */
  readonly existing?: FileFacts;
  /** Waits until the contents are on the disk. Default `true`. */
  readonly sync?: boolean;
  /** Told of a mode or an owner that could not be kept, which does not stop the write. */
  readonly onAttributeLost?: (attribute: "mode" | "owner", error: unknown) => void;
}

/** Longest file name of common file systems, in bytes (NAME_MAX). */
const MAX_NAME_BYTES = 255;
/** Bits of a mode that `chmod` takes. */
const MODE_BITS = 0o7777;
/** Tries to find a free temporary name. With four random bytes a second one is already rare. */
const MAX_NAME_TRIES = 8;

/**
 * Writes new contents beside `target`.
 *
 * @param target Absolute and free of symbolic links; its directory exists.
 * @param fill Writes the contents. When it throws, the temporary file is removed and the error passed on.
 */
export async function prepareFile(
  files: FileSystem,
  target: string,
  fill: (file: OpenFile) => Promise<void>,
  options: PrepareOptions = {},
): Promise<PreparedFile> {
  const { existing } = options;
  const { file, temporary } = await openTemporary(files, target, existing === undefined ? 0o666 : 0o600);
  const discard = async (): Promise<void> => {
    try {
      await files.remove(temporary);
    } catch {
      // Renamed already, or out of reach: the original is what matters, and it is untouched.
    }
  };
  try {
    try {
      await fill(file);
      if (options.sync ?? true) await file.syncData();
    } finally {
      file.close();
    }
    if (existing !== undefined) await keepAttributes(files, temporary, existing, options);
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    target,
    temporary,
    discard,
    async commit() {
      try {
        await files.rename(temporary, target);
      } catch (error) {
        await discard();
        throw error;
      }
    },
  };
}

/** A name for a temporary file beside `target`: `.<base>.tmp.<8 hex digits>`, the base cut where it would be too long. */
export function temporaryName(target: string): string {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, "0"));
  const suffix = `.tmp.${random.join("")}`;
  return join(dirname(target), `.${cutToBytes(basename(target), MAX_NAME_BYTES - suffix.length - 1)}${suffix}`);
}

async function openTemporary(
  files: FileSystem,
  target: string,
  mode: number,
): Promise<{ file: OpenFile; temporary: string }> {
  for (let tries = 1;; tries++) {
    const temporary = temporaryName(target);
    try {
      return { file: await files.open(temporary, { access: "create", mode }), temporary };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists) || tries === MAX_NAME_TRIES) throw error;
    }
  }
}

/** The owner first: changing it may clear the set-user-id bits. */
async function keepAttributes(
  files: FileSystem,
  path: string,
  existing: FileFacts,
  { onAttributeLost }: PrepareOptions,
): Promise<void> {
  const created = await files.stat(path);
  if (
    existing.uid !== null && existing.gid !== null && (created.uid !== existing.uid || created.gid !== existing.gid)
  ) {
    await files.chown(path, existing.uid, existing.gid).catch((error) => onAttributeLost?.("owner", error));
  }
  if (existing.mode !== null) {
    await files.chmod(path, existing.mode & MODE_BITS).catch((error) => onAttributeLost?.("mode", error));
  }
}

function cutToBytes(name: string, limit: number): string {
  const encoder = new TextEncoder();
  if (encoder.encode(name).length <= limit) return name;
  const { read } = encoder.encodeInto(name, new Uint8Array(limit));
  return name.slice(0, read);
}
