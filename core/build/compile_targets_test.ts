import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";

import { writeProgram } from "../testing_program.ts";
import { BuildError } from "./build_error.ts";
import { compileTargets, type MadeBinary } from "./compile_targets.ts";

/** Neither is this machine's in the tests: no road but `deno compile` is taken. */
const TARGETS = ["aarch64-apple-darwin", "x86_64-apple-darwin"];

/** Stands in for `deno`: "compiles" by writing the target, and cannot do so for the one that `USER` names. Knows no packages. */
const COMPILER = `#!/bin/sh
[ "$1" != info ] || exec echo '{}'
while [ $# -gt 0 ]; do
  case "$1" in --target) target=$2 ;; --output) output=$2 ;; esac
  shift
done
[ "$target" != "$USER" ] || { echo "no base for $target" >&2; exit 1; }
echo "for $target" >"$output"
`;

async function compiled(
  use: (
    run: (options: { broken?: string; inspect?: (binary: MadeBinary) => Promise<readonly string[]> }) => {
      readonly made: Promise<readonly string[]>;
      readonly present: () => readonly string[];
      readonly directory: string;
    },
  ) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const deno = join(dir, "deno");
  try {
    await writeProgram(deno, COMPILER);
    const directory = join(dir, "dist");
    await use(({ broken = "", inspect = () => Promise.resolve([]) }) => ({
      made: compileTargets({ entry: join(dir, "main.ts"), flags: [] }, {
        // The script's variable is one that programs of a build may see.
        ...{ deno, cwd: dir, env: { PATH: "/usr/bin:/bin", USER: broken } },
        ...{ targets: TARGETS, output: join(directory, "acme"), step: "compile", shown: (path: string) => path },
        ...{ say: () => Promise.resolve(), inspect },
      }),
      present: () => [...Deno.readDirSync(directory)].map(({ name }) => name).sort(),
      directory,
    }));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("compileTargets() puts the binaries of all targets in place, with what was written beside them", () =>
  compiled(async (run) => {
    const seen: string[] = [];
    const { made, present, directory } = run({
      inspect: async ({ path, suffix }) => {
        seen.push(...present());
        await Deno.writeTextFile(join(dirname(path), "draft"), "left behind by a compiler that ended early");
        await Deno.writeTextFile(join(dirname(path), `report${suffix}.txt`), "");
        return [`report${suffix}.txt`];
      },
    });

    assertEquals(await made, TARGETS.map((target) => join(directory, `acme-${target}`)));
    assertEquals(present(), TARGETS.flatMap((target) => [`acme-${target}`, `report-${target}.txt`]).sort());
    assertEquals(await Deno.readTextFile(join(directory, `acme-${TARGETS[1]}`)), `for ${TARGETS[1]}\n`);
    assertEquals(seen.filter((name) => !name.startsWith(".building-")), [], "while they are made");
  }));

Deno.test("compileTargets() puts nothing in place when one cannot be made, or is not what it should be", () =>
  compiled(async (run) => {
    const broken = run({ broken: TARGETS[1] });
    const error = await assertRejects(() => broken.made, BuildError);
    assertStringIncludes(error.message, `for ${TARGETS[1]}, and nothing was put in place:`);
    assertStringIncludes(error.message, `no base for ${TARGETS[1]}`);
    assertEquals(broken.present(), []);

    const wrong = run({
      inspect: ({ target }) => target === TARGETS[1] ? Promise.reject(new Error("another one")) : Promise.resolve([]),
    });
    await assertRejects(() => wrong.made, Error, "another one");
    assertEquals(wrong.present(), []);
  }));
