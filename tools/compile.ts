/**
 * `deno task compile [--target TARGET]… [OUTPUT]`: makes `dist/outpost`, the agent as one file, and `build-report.txt` beside
 * it. Targets: x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu, x86_64-apple-darwin, aarch64-apple-darwin; by default
 * the machine it runs on. With several, names of binaries and reports end in `-TARGET`, and all are put in place or none.
 *
 * @module
 */
import { dirname, fromFileUrl, join, relative, resolve } from "@std/path";

import { BuildError } from "../core/build/build_error.ts";
import { graphFacts } from "../core/build/build_facts.ts";
import { buildReport } from "../core/build/build_report.ts";
import { compileTargets, type MadeBinary, runsHere } from "../core/build/compile_targets.ts";
import { runner } from "../core/build/runner.ts";
import { TARGETS } from "../core/build/manifest.ts";
import { type FlagSpec, parseFlags, UsageError } from "../core/cli/flags.ts";
import { readDefinition } from "../core/definition.ts";
import { AGENT_VERSION } from "../core/load_plan.ts";
import { standardPlugins } from "../plugins/standard.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

const TARGET: FlagSpec = {
  ...{ name: "target", value: "TARGET", choices: TARGETS, isList: true },
  summary: "Machine it is for.",
};

async function main(): Promise<void> {
  const flags = parseFlags(Deno.args, { command: "compile", flags: [TARGET], words: [0, 1] });
  const targets = flags.list("target");
  const twice = targets.find((target, index) => targets.indexOf(target) !== index);
  if (twice !== undefined) throw new UsageError(`The target "${twice}" is given twice`);
  const output = resolve(flags.words[0] ?? join(ROOT, "dist/outpost"));
  const work = { deno: Deno.execPath(), cwd: ROOT, env: Deno.env.toObject() };
  const outputs = await compileTargets({ entry: join(ROOT, "main.ts"), flags: ["-A"] }, {
    ...{ ...work, output, targets, step: "compile" },
    shown: (path) => relative(Deno.cwd(), path),
    say: (line) => Promise.resolve(console.log(line)),
    inspect: (binary) => report(binary, work),
  });
  for (const path of outputs) {
    const suffix = path.slice(output.length);
    console.log(`${path}, made of what ${join(dirname(output), `build-report${suffix}.txt`)} says`);
  }
}

/** Writes beside a binary what it is made of. Returns the file's name. */
async function report(
  { path, target, suffix, road, sizes }: MadeBinary,
  work: { readonly deno: string; readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<readonly string[]> {
  const name = `build-report${suffix}.txt`;
  const made = target === undefined || runsHere(target)
    ? JSON.parse(await runner(path, work)(["version", "--json"]))
    : { name: "outpost", version: AGENT_VERSION, deno: Deno.version.deno };
  const facts = await graphFacts({
    ...{ deno: runner(work.deno, work), entry: "main.ts", roots: [ROOT], everyPackage: road.everyPackage },
  });
  await Deno.writeTextFile(
    join(dirname(path), name),
    buildReport({
      ...{ name: made.name, version: made.version, deno: made.deno },
      ...{ target: target ?? `${made.os} ${made.arch}`, sizes, ...facts },
      plugins: standardPlugins.flatMap((plugin) => readDefinition(plugin).definition ?? []),
    }),
  );
  return [name];
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof BuildError)) throw error;
    console.error(error.message);
    Deno.exit(error instanceof UsageError ? 2 : 1);
  }
}
