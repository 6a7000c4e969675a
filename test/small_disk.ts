/**
 * A file system of its own that can be filled, for tests of what happens then.
 *
 * @module
 */
import { join } from "@std/path";

/** What may run out. */
export type Room = "bytes" | "files";

/** A small disk. Disposing it takes everything on it away. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Uses up all that is left of one or the other, but for `leaving` bytes or files. */
  fill(room: Room, options?: { readonly leaving?: number }): Promise<void>;
  /** Gives back what was used up. */
  makeRoom(): Promise<void>;
  /** Names of what is in a directory of the disk, but for the filling. */
  names(directory?: string): string[];
}

/** Enough for what a test puts there before it fills the rest. */
const DISK_BYTES = 1024 * 1024;
const FILLING = "filling";
const CHUNK = new Uint8Array(4096);

/** Mounts one; `undefined` where that is not allowed. */
export async function openSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const path = await Deno.makeTempDir({ prefix: "outpost-full-" });
  if (!await run("mount", "-t", "tmpfs", "-o", `size=${bytes},nr_inodes=200`, "tmpfs", path)) {
    await Deno.remove(path);
    return undefined;
  }
  const filling = join(path, FILLING);
  return {
    path,
    async fill(room, { leaving = 0 } = {}) {
      await Deno.mkdir(filling, { recursive: true });
      const isFull = (error: unknown) => (error as { readonly code?: string }).code === "ENOSPC";
      try {
        if (room === "bytes") await fillBytes(join(filling, "bytes"));
        else for (let index = 0;; index++) await Deno.writeFile(join(filling, `file-${index}`), new Uint8Array(0));
      } catch (error) {
        if (!isFull(error)) throw error;
      }
      if (room === "bytes") await shorten(join(filling, "bytes"), leaving);
      else for (let index = 0; index < leaving; index++) await Deno.remove(join(filling, `file-${index}`));
    },
    async makeRoom() {
      await Deno.remove(filling, { recursive: true });
    },
    names: (directory = ".") =>
      [...Deno.readDirSync(join(path, directory))].map(({ name }) => name).filter((name) => name !== FILLING).sort(),
    async [Symbol.asyncDispose]() {
      if (!await run("umount", path)) throw new Error(`Cannot unmount "${path}": something still uses it`);
      await Deno.remove(path);
    },
  };
}

/** Gives a test a disk, and skips a step that says why where there can be none. */
export async function withSmallDisk(t: Deno.TestContext, use: (disk: SmallDisk) => Promise<void>): Promise<void> {
  await using disk = await openSmallDisk(DISK_BYTES);
  if (disk === undefined) {
    await t.step({ name: "needs the right to mount", ignore: true, fn() {} });
    return;
  }
  await use(disk);
}

/** Never returns without an error: a disk has an end. */
async function fillBytes(path: string): Promise<never> {
  using file = await Deno.open(path, { write: true, create: true, append: true });
  for (;;) await file.write(CHUNK);
}

async function shorten(path: string, bytes: number): Promise<void> {
  await Deno.truncate(path, (await Deno.stat(path)).size - bytes);
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(program, { args, stdin: "null", stderr: "null" }).output();
  return success;
}
