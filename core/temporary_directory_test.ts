import { assertEquals, assertRejects } from "@std/assert";
import { basename, join } from "@std/path";

import { openTemporaryDirectory } from "./temporary_directory.ts";

Deno.test("openTemporaryDirectory() makes a directory for this user alone, and removes it with what is in it", async () => {
  const directory = await openTemporaryDirectory("outpost-test-");
  const { mode } = await Deno.stat(directory.path);
  await Deno.writeTextFile(join(directory.path, "file"), "");

  await directory[Symbol.asyncDispose]();

  assertEquals([mode! & 0o777, basename(directory.path).startsWith("outpost-test-")], [0o700, true]);
  await assertRejects(() => Deno.stat(directory.path), Deno.errors.NotFound);
});

Deno.test("openTemporaryDirectory(): somebody else's removal of it is no failure", async () => {
  const directory = await openTemporaryDirectory("outpost-test-");
  await Deno.remove(directory.path);

  await directory[Symbol.asyncDispose]();
});
