/**
 * What SFTP requests do with files.
 *
 * @module
 */
import { basename, dirname, isAbsolute, join, normalize } from "@std/path";

import type { AttributeChange } from "./attributes.ts";
import type { FileHandle } from "./file_handles.ts";
import { OPEN, SftpStatus, STATUS } from "./protocol.ts";

/** Opens a file as the flags of `open` say. */
export async function openFile(path: string, flags: number, mode: number | undefined): Promise<FileHandle> {
  const wants = (flag: number) => (flags & flag) !== 0;
  const isNew = wants(OPEN.create) && wants(OPEN.exclusive);
  const file = await Deno.open(path, {
    read: wants(OPEN.read),
    // The runtime creates only what it may write.
    write: wants(OPEN.write) || wants(OPEN.create),
    append: wants(OPEN.append),
    create: wants(OPEN.create) && !isNew,
    createNew: isNew,
    ...(mode !== undefined && { mode }),
  });
  try {
    if ((await file.stat()).isDirectory) {
      throw new SftpStatus(STATUS.failure, `Cannot open "${path}": it is a directory`);
    }
    // After opening: the runtime does not take this together with append.
    if (wants(OPEN.truncate)) await file.truncate(0);
  } catch (error) {
    file.close();
    throw error;
  }
  return { kind: "file", path, file, position: 0 };
}

/** Reads into `buffer` at `offset`; `null` at the end of the file. */
export async function readAt(handle: FileHandle, offset: number, buffer: Uint8Array): Promise<number | null> {
  await seek(handle, offset);
  const count = await handle.file.read(buffer);
  handle.position += count ?? 0;
  return count;
}

/** Writes all of `bytes` at `offset`, or at the end of a file opened for appending. */
export async function writeAt(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  await seek(handle, offset);
  for (let done = 0; done < bytes.length;) {
    const count = await handle.file.write(bytes.subarray(done));
    done += count;
    handle.position += count;
  }
}

/** Sets what a client wants set, the size first: it touches the times. */
export async function changeAttributes(path: string, change: AttributeChange): Promise<void> {
  if (change.size !== undefined) await Deno.truncate(path, change.size);
  if (change.mode !== undefined) await Deno.chmod(path, change.mode);
  if (change.owner !== undefined) await Deno.chown(path, change.owner.uid, change.owner.gid);
  if (change.times !== undefined) await Deno.utime(path, change.times.access, change.times.modification);
}

/** Removes a file or a link, never a directory: `rmdir` does that. */
export async function removeFile(path: string): Promise<void> {
  if ((await Deno.lstat(path)).isDirectory) {
    throw new SftpStatus(STATUS.failure, `Cannot remove "${path}": it is a directory`);
  }
  await Deno.remove(path);
}

/** Removes an empty directory. */
export async function removeDirectory(path: string): Promise<void> {
  if (!(await Deno.lstat(path)).isDirectory) {
    throw new SftpStatus(STATUS.failure, `Cannot remove "${path}": it is no directory`);
  }
  await Deno.remove(path);
}

/** Renames without replacing: version 3 of the protocol says so. A file is linked first, so that nothing slips in between. */
export async function renameToNew(from: string, to: string): Promise<void> {
  if ((await Deno.lstat(from)).isFile) {
    try {
      await Deno.link(from, to);
      return await Deno.remove(from);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) throw alreadyThere(to);
      // This file system has no hard links; or the reason is the same for the rename below, which tells it.
    }
  }
  const found = await Deno.lstat(to).catch(() => undefined);
  if (found !== undefined) throw alreadyThere(to);
  await Deno.rename(from, to);
}

/**
 * The path without links and dots. What does not exist is no fault: of a path to be made the part that exists is resolved.
 *
 * @param base What relative paths are relative to.
 */
export async function realPath(base: string, path: string): Promise<string> {
  const absolute = resolveFrom(base, path);
  try {
    return await Deno.realPath(absolute);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const parent = dirname(absolute);
  return parent === absolute ? absolute : join(await realPath(base, parent), basename(absolute));
}

/** An absolute path, without dots. */
export function resolveFrom(base: string, path: string): string {
  const whole = normalize(isAbsolute(path) ? path : join(base, path));
  return whole.length > 1 && whole.endsWith("/") ? whole.slice(0, -1) : whole;
}

async function seek(handle: FileHandle, offset: number): Promise<void> {
  if (handle.position === offset) return;
  await handle.file.seek(offset, Deno.SeekMode.Start);
  handle.position = offset;
}

function alreadyThere(path: string): SftpStatus {
  return new SftpStatus(STATUS.failure, `Cannot rename to "${path}": it exists`);
}
