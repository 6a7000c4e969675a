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
  /** Uses up all that is left of one or the other. */
  fill(room: Room): Promise<void>;
  /** Gives back what was used up. */
  makeRoom(): Promise<void>;
  /** Names of what is in a directory of the disk, but for the filling. */
  names(directory?: string): string[];
}

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
    async fill(room) {
      await Deno.mkdir(filling, { recursive: true });
      const isFull = (error: unknown) => (error as { readonly code?: string }).code === "ENOSPC";
      try {
        if (room === "bytes") await fillBytes(join(filling, "bytes"));
        else for (let index = 0;; index++) await Deno.writeFile(join(filling, `file-${index}`), new Uint8Array(0));
      } catch (error) {
        if (!isFull(error)) throw error;
      }
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

/** Never returns without an error: a disk has an end. */
async function fillBytes(path: string): Promise<never> {
  using file = await Deno.open(path, { write: true, create: true, append: true });
  for (;;) await file.write(CHUNK);
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(program, { args, stdin: "null", stderr: "null" }).output();
  return success;
}
