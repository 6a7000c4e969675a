import { assertEquals, assertRejects } from "@std/assert";

import { LinkLimitError } from "./file_errors.ts";
import { systemFiles } from "./file_system.ts";
import { resolvePath } from "./resolve_path.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("resolvePath() goes up from where a link has led, not from where it stands", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/a/b`, { recursive: true });
    await Deno.symlink("a/b", `${folder}/link`);

    assertEquals(await resolvePath(systemFiles, `${folder}/link/../file`), `${folder}/a/file`);
  }));

Deno.test("resolvePath() gives the root for the root and for everything above it", async () => {
  assertEquals(await resolvePath(systemFiles, "/"), "/");
  assertEquals(await resolvePath(systemFiles, "/../.."), "/");
});

Deno.test("resolvePath() drops empty and single-dot components", () =>
  inFolder(async (folder) => {
    assertEquals(await resolvePath(systemFiles, `${folder}//./x/`), `${folder}/x`);
  }));

Deno.test("resolvePath() follows 40 links and refuses 41", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/0`, "");
    for (let number = 1; number <= 41; number++) await Deno.symlink(`${number - 1}`, `${folder}/${number}`);

    assertEquals(await resolvePath(systemFiles, `${folder}/40`), `${folder}/0`);
    await assertRejects(() => resolvePath(systemFiles, `${folder}/41`), LinkLimitError, "too many levels");
  }));

Deno.test("resolvePath() follows absolute links and links to missing files", () =>
  inFolder(async (folder) => {
    await Deno.symlink(`${folder}/later/x`, `${folder}/link`);

    assertEquals(await resolvePath(systemFiles, `${folder}/link`), `${folder}/later/x`);
  }));
