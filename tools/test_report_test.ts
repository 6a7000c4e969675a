import { assertEquals } from "@std/assert";

import { readReport, totals, totalsLine, unexcusedSkips } from "./test_report.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="5" failures="1" errors="1" time="0.021">
    <testsuite name="./a_test.ts" tests="5" disabled="1" errors="1" failures="1">
        <testcase name="a &gt; &quot;b&quot; &amp; c" classname="./a_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="ssh needs sshd" classname="./a_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
        <testcase name="bad" classname="./a_test.ts" time="0.001" line="4" col="6">
            <failure message="Uncaught Error: x">Error: &lt;skipped/&gt;</failure>
        </testcase>
        <testcase name="cancelled" classname="./a_test.ts" time="0.001" line="5" col="6">
            <error message="Cancelled"/>
        </testcase>
        <testcase name="closed" classname="./b_test.ts" time="0.001" line="5" col="6"/>
    </testsuite>
</testsuites>`;

Deno.test("readReport() tells passed, failed, cancelled and skipped tests apart and unescapes names", () => {
  assertEquals(readReport(REPORT), [
    { file: "./a_test.ts", name: `a > "b" & c`, outcome: "passed" },
    { file: "./a_test.ts", name: "ssh needs sshd", outcome: "skipped" },
    { file: "./a_test.ts", name: "bad", outcome: "failed" },
    { file: "./a_test.ts", name: "cancelled", outcome: "failed" },
    { file: "./b_test.ts", name: "closed", outcome: "passed" },
  ]);
});

Deno.test("readReport() agrees with a real run of deno test", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${dir}/a_test.ts`,
      `Deno.test("good", async (t) => { await t.step("part", () => {}); });
Deno.test({ name: "left out", ignore: true, fn() {} });
Deno.test("says <b>5 passed</b>", () => { throw new Error("</testcase>"); });`,
    );
    const run = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--quiet", "--no-check", "--no-config", "--junit-path=report.xml", "a_test.ts"],
      cwd: dir,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();

    const cases = readReport(await Deno.readTextFile(`${dir}/report.xml`));

    assertEquals(totalsLine(totals(cases, { ok: run.success, unexcused: [] })), "2 passed, 1 failed, 1 skipped");
    assertEquals(cases.find((test) => test.outcome === "failed")?.name, "says <b>5 passed</b>");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("unexcusedSkips() lets only listed tests be skipped", () => {
  const cases = readReport(REPORT);

  assertEquals(unexcusedSkips(cases, []).map((test) => test.name), ["ssh needs sshd"]);
  assertEquals(unexcusedSkips(cases, [{ name: "^ssh ", reason: "no daemon" }]), []);
});

Deno.test("totals() turns unexcused skips into failures", () => {
  const cases = readReport(REPORT);

  assertEquals(totals(cases, { ok: false, unexcused: unexcusedSkips(cases, []) }), {
    passed: 2,
    failed: 3,
    skipped: 0,
  });
});

Deno.test("totals() never looks green when the run failed without a failed test", () => {
  assertEquals(totalsLine(totals([], { ok: false, unexcused: [] })), "0 passed, 1 failed, 0 skipped");
});
