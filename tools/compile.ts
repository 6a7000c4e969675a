/**
 * `deno task compile [OUTPUT]`: makes `dist/outpost`, the agent as one file, and `build-report.txt` beside it.
 *
 * @module
 */
import { dirname, fromFileUrl, join, resolve } from "@std/path";

import { binarySizes, graphFacts } from "../core/build/build_facts.ts";
import { buildReport } from "../core/build/build_report.ts";
import { compile } from "../core/build/compile_roads.ts";
import { runner } from "../core/build/runner.ts";
import { readDefinition } from "../core/definition.ts";
import { standardPlugins } from "../plugins/standard.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

async function main(): Promise<number> {
  const output = resolve(Deno.args[0] ?? join(ROOT, "dist/outpost"));
  const work = { deno: Deno.execPath(), cwd: ROOT, env: Deno.env.toObject() };
  const road = await compile({ entry: join(ROOT, "main.ts"), output, flags: ["-A"] }, {
    ...work,
    failed: (name, error) =>
      console.error(`Cannot compile with the ${name}: ${error instanceof Error ? error.message : error}`),
  });
  if (road === undefined) return 1;
  const version = JSON.parse(await runner(output, work)(["version", "--json"]));
  const sizes = await binarySizes(output);
  const facts = await graphFacts({
    ...{ deno: runner(work.deno, work), entry: "main.ts", roots: [ROOT], everyPackage: road.everyPackage },
  });
  const report = join(dirname(output), "build-report.txt");
  await Deno.writeTextFile(
    report,
    buildReport({
      ...{ name: version.name, version: version.version, deno: version.deno },
      ...{ target: `${version.os} ${version.arch}`, sizes, ...facts },
      plugins: standardPlugins.flatMap((plugin) => readDefinition(plugin).definition ?? []),
    }),
  );
  console.log(`${output}: ${(sizes.bytes / 1e6).toFixed(1)} MB, made with the ${road.name}`);
  console.log(`${report}: what it is made of`);
  return 0;
}

if (import.meta.main) Deno.exit(await main());
