/**
 * The operations on files that the plugin needs, as an interface, so that tests can refuse permissions, break renames and
 * fill disks.
 *
 * @module
 */

/** What is known about a file. `Deno.FileInfo` fits. */
export interface FileFacts {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
  readonly isFifo?: boolean | null;
  readonly isSocket?: boolean | null;
  readonly isBlockDevice?: boolean | null;
  readonly isCharDevice?: boolean | null;
  /** Bytes; 0 for files the kernel makes up, such as those in `/proc`. */
  readonly size: number;
  readonly mtime: Date | null;
  readonly ctime?: Date | null;
  readonly dev: number;
  readonly ino: number | null;
  readonly mode: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
}

/** An open file. Whoever opened it closes it. `Deno.FsFile` fits. */
export interface OpenFile {
  /** Reads into `buffer`; `null` at the end of the file. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes a part of `bytes` and says how much. */
  write(bytes: Uint8Array): Promise<number>;
  seek(offset: number, whence: Deno.SeekMode): Promise<number>;
  stat(): Promise<FileFacts>;
  /** Resolves when the contents are on the disk. */
  syncData(): Promise<void>;
  close(): void;
}

/** How a file is opened. */
export interface OpenOptions {
  /** `read` (default); `write`: an existing file, untouched until written; `create`: fails if the path exists. */
  readonly access?: "read" | "write" | "create";
  /** Permission bits of a new file, before the umask. */
  readonly mode?: number;
}

/** An entry of a directory. */
export interface DirectoryEntry {
  readonly name: string;
  /** `false` for a symbolic link to a directory. */
  readonly isDirectory: boolean;
}

/** Errors are those of Deno: `Deno.errors.NotFound`, `Deno.errors.PermissionDenied`, and so on. */
export interface FileSystem {
  open(path: string, options?: OpenOptions): Promise<OpenFile>;
  /** Follows symbolic links. */
  stat(path: string): Promise<FileFacts>;
  lstat(path: string): Promise<FileFacts>;
  readLink(path: string): Promise<string>;
  /** Creates the directory and its missing parents; an existing one is fine. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** Replaces `to` when it exists. */
  rename(from: string, to: string): Promise<void>;
  /** Adds a second name for a file. */
  link(existing: string, name: string): Promise<void>;
  remove(path: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  chown(path: string, uid: number, gid: number): Promise<void>;
  readDirectory(path: string): AsyncIterable<DirectoryEntry>;
}

const ACCESS: Readonly<Record<NonNullable<OpenOptions["access"]>, Deno.OpenOptions>> = {
  read: { read: true },
  write: { write: true },
  create: { write: true, createNew: true },
};

/** The machine's file system. */
export const systemFiles: FileSystem = Object.freeze({
  open: (path: string, { access = "read", mode }: OpenOptions = {}) => Deno.open(path, { ...ACCESS[access], mode }),
  stat: (path: string) => Deno.stat(path),
  lstat: (path: string) => Deno.lstat(path),
  readLink: (path: string) => Deno.readLink(path),
  makeDirectory: (path: string, mode: number) => Deno.mkdir(path, { recursive: true, mode }),
  rename: (from: string, to: string) => Deno.rename(from, to),
  link: (existing: string, name: string) => Deno.link(existing, name),
  remove: (path: string) => Deno.remove(path),
  chmod: (path: string, mode: number) => Deno.chmod(path, mode),
  chown: (path: string, uid: number, gid: number) => Deno.chown(path, uid, gid),
  readDirectory: (path: string) => Deno.readDir(path),
});

/** What a path that is no regular file is, for messages. */
export function kindOf(facts: FileFacts): string {
  const kinds: readonly (readonly [boolean | null | undefined, string])[] = [
    [facts.isFile, "a file"],
    [facts.isDirectory, "a directory"],
    [facts.isSymlink, "a symbolic link"],
    [facts.isFifo, "a named pipe"],
    [facts.isSocket, "a socket"],
    [facts.isCharDevice, "a character device"],
    [facts.isBlockDevice, "a block device"],
  ];
  return kinds.find(([is]) => is)?.[1] ?? "something else";
}

/** Writes all of `bytes`. */
export async function writeAll(file: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(done === 0 ? bytes : bytes.subarray(done));
}

/** What {@linkcode readUpTo} found. */
export interface ReadResult {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether the file goes on behind `bytes`. */
  readonly more: boolean;
}

/**
 * Reads from the current position to the end, at most `limit` bytes. Does not rely on the size, which is 0 for files the
 * kernel makes up; `expected` only saves growing the buffer.
 */
export async function readUpTo(file: OpenFile, limit: number, expected: number): Promise<ReadResult> {
  // One byte more than expected shows in the same read whether the file ends there.
  let buffer = new Uint8Array(Math.min(limit, Math.max(expected, SMALLEST_READ)) + 1);
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      if (length > limit) break;
      const grown = new Uint8Array(Math.min(limit + 1, buffer.length * 2));
      grown.set(buffer);
      buffer = grown;
    }
    const count = await file.read(buffer.subarray(length));
    if (count === null || count === 0) break;
    length += count;
  }
  return { bytes: buffer.subarray(0, Math.min(length, limit)), more: length > limit };
}

/** Bytes. Files in `/proc` rarely hold more, and some give all or nothing per read. */
const SMALLEST_READ = 4096;
