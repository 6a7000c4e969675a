/**
 * `deno task bench [--write] [WORD…]`: runs every `test/bench/*_bench.ts` whose name contains one of the words, one after
 * another, prints one table and keeps the figures as JSON in `.bench/`. `--write` also puts the table into
 * `docs/performance.md`. Exits with 1 when a benchmark fails.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl, join } from "@std/path";

import { type Figure, figureTable, readFigures, withFigures } from "./bench_report.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

async function main(): Promise<number> {
  const flags = parseArgs(Deno.args, { boolean: ["write"] });
  const words = flags._.map(String);
  const figures: Figure[] = [];
  let failed = 0;
  for (const file of await benchmarks()) {
    if (words.length > 0 && !words.some((word) => file.includes(word))) continue;
    console.error(`${file} …`);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--v8-flags=--expose-gc", join(ROOT, "test/bench", file)],
      cwd: ROOT,
      stdin: "null",
      stderr: "inherit",
    }).output();
    if (code !== 0) failed++;
    figures.push(...readFigures(new TextDecoder().decode(stdout)));
  }

  const table = figureTable(figures);
  console.log(table);
  const run = { at: new Date().toISOString(), machine: machine(), deno: Deno.version.deno, figures };
  await Deno.mkdir(join(ROOT, ".bench"), { recursive: true });
  await Deno.writeTextFile(
    join(ROOT, ".bench", `${run.at.replaceAll(":", "-")}.json`),
    `${JSON.stringify(run, null, 2)}\n`,
  );
  if (flags.write && failed === 0) {
    const page = join(ROOT, "docs/performance.md");
    const text = `Measured on ${run.at.slice(0, 10)}, ${run.machine}, Deno ${run.deno}.\n\n${table}`;
    await Deno.writeTextFile(page, withFigures(await Deno.readTextFile(page), text));
  }
  if (failed > 0) console.error(`${failed} benchmark${failed === 1 ? "" : "s"} failed`);
  return failed > 0 ? 1 : 0;
}

async function benchmarks(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(ROOT, "test/bench")), ({ name }) => name);
  return entries.filter((name) => name.endsWith("_bench.ts")).sort();
}

function machine(): string {
  const gibibytes = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return `${navigator.hardwareConcurrency} cores, ${gibibytes} GiB, ${Deno.build.os} ${Deno.build.arch}`;
}

if (import.meta.main) Deno.exit(await main());
