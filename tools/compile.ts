/**
 * `deno task compile [--target TARGET] [OUTPUT]`: makes `dist/outpost`, the agent as one file, and `build-report.txt` beside
 * it. Targets: x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu, x86_64-apple-darwin, aarch64-apple-darwin; by default
 * the machine it runs on.
 *
 * @module
 */
import { dirname, fromFileUrl, join, resolve } from "@std/path";

import { runsHere } from "../core/build/build.ts";
import { binarySizes, graphFacts } from "../core/build/build_facts.ts";
import { buildReport } from "../core/build/build_report.ts";
import { compile } from "../core/build/compile_roads.ts";
import { runner } from "../core/build/runner.ts";
import { TARGETS } from "../core/build/manifest.ts";
import { type FlagSpec, parseFlags, UsageError } from "../core/cli/flags.ts";
import { readDefinition } from "../core/definition.ts";
import { AGENT_VERSION } from "../core/load_plan.ts";
import { standardPlugins } from "../plugins/standard.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

const TARGET: FlagSpec = { name: "target", value: "TARGET", choices: TARGETS, summary: "Machine it is for." };

async function main(): Promise<number> {
  const flags = parseFlags(Deno.args, { command: "compile", flags: [TARGET], words: [0, 1] });
  const target = flags.text("target");
  const output = resolve(flags.words[0] ?? join(ROOT, "dist/outpost"));
  const work = { deno: Deno.execPath(), cwd: ROOT, env: Deno.env.toObject() };
  const road = await compile({ entry: join(ROOT, "main.ts"), output, target, flags: ["-A"] }, {
    ...work,
    failed: (name, error) =>
      console.error(`Cannot compile with the ${name}: ${error instanceof Error ? error.message : error}`),
  });
  if (road === undefined) return 1;
  const made = target === undefined || runsHere(target)
    ? JSON.parse(await runner(output, work)(["version", "--json"]))
    : { name: "outpost", version: AGENT_VERSION, deno: Deno.version.deno };
  const sizes = await binarySizes(output);
  const facts = await graphFacts({
    ...{ deno: runner(work.deno, work), entry: "main.ts", roots: [ROOT], everyPackage: road.everyPackage },
  });
  const report = join(dirname(output), "build-report.txt");
  await Deno.writeTextFile(
    report,
    buildReport({
      ...{ name: made.name, version: made.version, deno: made.deno },
      ...{ target: target ?? `${made.os} ${made.arch}`, sizes, ...facts },
      plugins: standardPlugins.flatMap((plugin) => readDefinition(plugin).definition ?? []),
    }),
  );
  console.log(`${output}: ${(sizes.bytes / 1e6).toFixed(1)} MB, made with the ${road.name}`);
  console.log(`${report}: what it is made of`);
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
}
