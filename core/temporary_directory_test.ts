import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { basename, dirname, join } from "@std/path";

import { openTemporaryDirectory, temporaryPlace } from "./temporary_directory.ts";

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

Deno.test("openTemporaryDirectory() goes elsewhere where the system's place is missing, and else says what to do", async () => {
  const other = await Deno.makeTempDir();
  const program = `
    const { openTemporaryDirectory } = await import(${JSON.stringify(import.meta.resolve("./temporary_directory.ts"))});
    console.log((await openTemporaryDirectory("x-", Deno.args)).path);
  `;
  const run = async (...others: string[]) => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", program, ...others],
      env: { TMPDIR: join(other, "missing") },
    }).output();
    return new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
  };

  const found = await run(join(other, "missing"), other);
  const failed = await run(join(other, "missing"));

  assertEquals(dirname(found), other);
  assertMatch(failed, /Cannot make a temporary directory: .*; set TMPDIR to a directory that can be written/);
  await Deno.remove(other, { recursive: true });
});

Deno.test("temporaryPlace() is the one that is wanted, unless only another can be written", async () => {
  const place = await Deno.makeTempDir();
  const missing = join(place, "missing");

  const places = [
    temporaryPlace(place, [missing]),
    temporaryPlace(missing, [join(place, "missing, too"), place]),
    temporaryPlace(missing, []),
  ];

  assertEquals([places, [...Deno.readDirSync(place)]], [[place, place, missing], []]);
  await Deno.remove(place);
});
