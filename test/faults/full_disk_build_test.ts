/**
 * `outpost build` on a disk that becomes full at one of its steps: what was built before stays whole, what is not whole goes, and the
 * error names the file and what to do.
 *
 * @module
 */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join, relative } from "@std/path";

import { ownSource } from "../../core/agent_source.ts";
import { build } from "../../core/build/build.ts";
import { BuildError } from "../../core/build/build_error.ts";
import { readManifest } from "../../core/build/manifest.ts";
import { writeProgram } from "../../core/testing_program.ts";
import { ROOT } from "../agent_process.ts";
import { type Room, withSmallDisk } from "../small_disk.ts";

const BOTH: readonly Room[] = ["bytes", "files"];
/** Room is given out in pages, in bytes. */
const PAGE_BYTES = 4096;

/** Checks no types, which takes its time and writes nothing, and compiles another program: the size is Deno's in any case. */
const QUICK_DENO = `#!/bin/sh
if [ "$1" = check ]; then exit 0; fi
if [ "$1" != compile ]; then exec '${Deno.execPath()}' "$@"; fi
while [ "$1" != --output ]; do shift; done
echo 'console.log("hello")' > "$0.ts"
exec '${Deno.execPath()}' compile --quiet --no-check --no-config --no-lock --output "$2" "$0.ts"
`;

/** Where the disk becomes full. */
interface FullAt {
  /** What the build says then. */
  readonly said: string;
  /** The step that fails. */
  readonly step: string;
  /** What cannot be written. */
  readonly file: string;
}

const MOMENTS: readonly FullAt[] = [
  { said: "1/7", step: "generate", file: "dist/deno.json" },
  { said: "2/7", step: "resolve", file: "acme.build.lock" },
  { said: "5/7", step: "report", file: "acme.build.txt" },
  { said: "6/7", step: "compile", file: "dist/acme" },
];

for (const { said, step, file } of MOMENTS) {
  Deno.test(`outpost build on a disk that is full at "${step}" names ${file} and keeps all of the build before`, async (t) => {
    for (const room of BOTH) {
      await withSmallDisk(t, async (disk) => {
        const project = join(disk.path, "project");
        const old = {
          "dist/acme": "old",
          "dist/deno.json": "old",
          "dist/acme.entry.ts": "old",
          "acme.build.txt": "old",
        };
        await Deno.mkdir(join(project, "dist"), { recursive: true });
        for (const [name, text] of Object.entries(old)) await Deno.writeTextFile(join(project, name), text);
        await Deno.copyFile(join(ROOT, "deno.lock"), join(project, "acme.build.lock"));
        let before: Record<string, string> = {};

        const { message } = await assertRejects(() =>
          buildIn(project, async (line) => {
            if (!line.startsWith(said)) return;
            before = await contentsOf(project);
            await disk.fill(room);
          }), BuildError);

        assertStringIncludes(message, `Cannot build (${step}): `);
        assertStringIncludes(message, join(project, file));
        assertStringIncludes(message, "No space left on device");
        assertStringIncludes(message, 'make room there, "df" and "df -i" say what is used up');
        assertEquals(await contentsOf(project), before);
      });
    }
  });
}

Deno.test("outpost build that finds no room for its lock leaves no part of one, and locks when there is room", async (t) => {
  const tested = (await Deno.stat(join(ROOT, "deno.lock"))).size;
  // None at all, half of what it begins with, and all of it, but not what comes of it.
  for (const leaving of [0, PAGE_BYTES, Math.ceil(tested / PAGE_BYTES) * PAGE_BYTES]) {
    await withSmallDisk(t, async (disk) => {
      const project = join(disk.path, "project");
      await Deno.mkdir(project);
      const failed = await assertRejects(
        () => buildIn(project, (line) => line.startsWith("2/7") ? disk.fill("bytes", { leaving }) : Promise.resolve()),
        BuildError,
      );
      assertStringIncludes(failed.message, join(project, "acme.build.lock"));
      assertEquals(filesBelow(project), ["dist/acme.entry.ts", "dist/deno.json"]);
      await disk.makeRoom();

      await assertRejects(() => buildIn(project, (line) => stopAt("3/7", line)), Error, "stopped at 3/7");
      assertEquals(filesBelow(project), ["acme.build.lock", "dist/acme.entry.ts", "dist/deno.json"]);
    });
  }
});

function stopAt(step: string, line: string): Promise<void> {
  return line.startsWith(step) ? Promise.reject(new Error(`stopped at ${step}`)) : Promise.resolve();
}

async function buildIn(project: string, say: (line: string) => Promise<void>): Promise<void> {
  const tools = await Deno.makeTempDir({ prefix: "outpost-tools-" });
  const deno = join(tools, "deno");
  await writeProgram(deno, QUICK_DENO);
  const text = JSON.stringify({ name: "acme", version: "1.0.0", plugins: ["standard/agentproc"] });
  try {
    await build({
      manifest: readManifest(join(project, "outpost.build.jsonc"), text),
      source: ownSource(),
      deno,
      // Nothing is downloaded.
      env: { ...Deno.env.toObject(), DENORT_BIN: Deno.execPath() },
      say,
    });
  } finally {
    await Deno.remove(tools, { recursive: true });
  }
}

/** Every file below a directory, by its path in it. */
function filesBelow(directory: string, from: string = directory): string[] {
  return [...Deno.readDirSync(from)].flatMap(({ name, isDirectory }) => {
    const path = join(from, name);
    return isDirectory ? filesBelow(directory, path) : [relative(directory, path)];
  }).sort();
}

async function contentsOf(directory: string): Promise<Record<string, string>> {
  const entries = filesBelow(directory).map(async (name) => [name, await Deno.readTextFile(join(directory, name))]);
  return Object.fromEntries(await Promise.all(entries));
}
