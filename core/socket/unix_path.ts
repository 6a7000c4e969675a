/**
 * The file of a Unix socket: who may reach it, and whether an old one is still in use.
 *
 * @module
 */
import { dirname } from "@std/path";

import { writeFailure } from "../write_failure.ts";

/** Longest path of a socket, in bytes: `sun_path` holds 108 with its end on Linux, 104 on macOS. */
const MAX_PATH_BYTES = Deno.build.os === "darwin" ? 103 : 107;

/**
 * Makes room for a socket at `path`: creates a missing directory with mode 0700, never changes an existing one, and removes
 * the file of a server that is gone.
 *
 * @throws {RangeError} When the path is too long for a socket.
 * @throws {Deno.errors.AddrInUse} When a server answers at `path`.
 * @throws {Deno.errors.AlreadyExists} When `path` is something else than a socket.
 */
export async function prepareSocketPath(path: string): Promise<void> {
  const bytes = new TextEncoder().encode(path).byteLength;
  if (bytes > MAX_PATH_BYTES) {
    throw new RangeError(`Cannot listen on "${path}": the path has ${bytes} bytes and the limit is ${MAX_PATH_BYTES}`);
  }
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw writeFailure(path, error);
  }
  const found = await infoOf(path);
  if (!found) return;
  if (!found.isSocket) throw new Deno.errors.AlreadyExists(`Cannot listen on "${path}": it is not a socket`);
  if (await isAnswering(path)) {
    throw new Deno.errors.AddrInUse(`Cannot listen on "${path}": another server answers there`);
  }
  await removeSameFile(path, found);
}

/**
 * Runs `bind`, which must create the socket at `path` before it returns, so that the file belongs to its owner alone from
 * its first moment.
 *
 * In a directory that others may not enter, nobody can use the moment before its mode is changed. Only elsewhere the umask
 * has to do it: that is one for the whole process, so that a file some other thread makes in the same moment would get it.
 */
export function bindPrivately<T>(path: string, bind: () => T): T {
  try {
    return bindForOwner(path, bind);
  } catch (error) {
    throw writeFailure(path, error);
  }
}

function bindForOwner<T>(path: string, bind: () => T): T {
  if (isPrivate(dirname(path))) {
    const bound = bind();
    Deno.chmodSync(path, 0o600);
    return bound;
  }
  const before = Deno.umask(0o177);
  try {
    return bind();
  } finally {
    Deno.umask(before);
  }
}

/** Whether only its owner may enter the directory. */
function isPrivate(directory: string): boolean {
  const { mode } = Deno.statSync(directory);
  return mode !== null && (mode & 0o077) === 0;
}

/** Removes the file at `path` if it still is `file`, and not a socket somebody else put there meanwhile. */
export async function removeSameFile(path: string, file: Deno.FileInfo | undefined): Promise<void> {
  const found = await infoOf(path);
  if (!found || !file || found.ino !== file.ino || found.dev !== file.dev) return;
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** What is at `path`; `undefined` when nothing is. Does not follow links. */
export async function infoOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Only a refused connection proves that nobody listens; a server that is too busy to accept is still there. */
async function isAnswering(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound);
  }
}
