import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import { replaceFile } from "./replace_file.ts";

async function inDirectory(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const modeOf = async (path: string) => (await Deno.stat(path)).mode! & 0o777;

Deno.test("replaceFile() makes a private file with its directories, and keeps the mode of one that is there", () =>
  inDirectory(async (dir) => {
    const fresh = join(dir, "a/b/new");
    const old = join(dir, "old");
    await Deno.writeTextFile(old, "before", { mode: 0o644 });

    await replaceFile(fresh, "one");
    await replaceFile(old, "two");
    await replaceFile(join(dir, "open"), "three", { newFileMode: 0o644 });

    assertEquals([await Deno.readTextFile(fresh), await Deno.readTextFile(old)], ["one", "two"]);
    assertEquals([await modeOf(join(dir, "a")), await modeOf(fresh)], [0o700, 0o600]);
    assertEquals([await modeOf(old), await modeOf(join(dir, "open"))], [0o644, 0o644]);
    assertEquals([...Deno.readDirSync(dir)].length, 3);
  }));

Deno.test("replaceFile() follows a link to the file it stands for", () =>
  inDirectory(async (dir) => {
    const file = join(dir, "file");
    await Deno.writeTextFile(file, "before");
    await Deno.symlink(file, join(dir, "link"));

    await replaceFile(join(dir, "link"), "after");

    assertEquals([await Deno.readTextFile(file), await Deno.readLink(join(dir, "link"))], ["after", file]);
  }));

Deno.test("replaceFile() leaves nothing behind when it fails", () =>
  inDirectory(async (dir) => {
    await Deno.mkdir(join(dir, "taken/inside"), { recursive: true });

    await assertRejects(() => replaceFile(join(dir, "taken"), "text"));

    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name), ["taken"]);
  }));
