/**
 * `deno task test`: runs the tests and ends with the line `N passed, N failed, N skipped`.
 *
 * Arguments go to `deno test` as they are. With `CI=true` the lock file is frozen, and a skipped test that
 * `test/optional.jsonc` does not list is a failure. Exits with the code of `deno test`, or 1.
 *
 * @module
 */
import { parse } from "@std/jsonc";
import { fromFileUrl, join } from "@std/path";

import { type OptionalTest, readReport, totals, totalsLine, unexcusedSkips } from "./test_report.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

async function main(): Promise<number> {
  const inCi = Deno.env.get("CI") === "true";
  const dir = await Deno.makeTempDir({ prefix: "outpost-test-" });
  try {
    const report = join(dir, "report.xml");
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--parallel", `--junit-path=${report}`, ...(inCi ? ["--frozen"] : []), ...Deno.args],
      cwd: ROOT,
      stdin: "null",
    }).spawn().status;

    // Without a report nothing ran, for example because a file does not type-check.
    const xml = await Deno.readTextFile(report).catch(() => "");
    const cases = readReport(xml);
    const optional = parse(await Deno.readTextFile(join(ROOT, "test/optional.jsonc"))) as unknown as OptionalTest[];
    const unexcused = inCi ? unexcusedSkips(cases, optional) : [];
    for (const test of unexcused) {
      console.error(`Skipped, and test/optional.jsonc does not list it: ${test.name} (${test.file})`);
    }
    const sum = totals(cases, { ok: code === 0, unexcused });
    console.log(totalsLine(sum));
    return code !== 0 ? code : sum.failed > 0 ? 1 : 0;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main());
