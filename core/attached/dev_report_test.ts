import { assertEquals } from "@std/assert";

import { Faults, metricChanges, metricValues, plainErrors } from "./dev_report.ts";

const EXPOSITION = `# HELP agent_pp_seen_total Seen.
agent_pp_seen_total{how="a b"} 3
agent_pp_took_seconds_bucket{le="1"} 2
agent_pp_took_seconds_sum 1.5
agent_other_x 1
`;

Deno.test("metricValues() takes the plugin's own series, histograms without their buckets", () => {
  assertEquals([...metricValues(EXPOSITION, "pp")], [['agent_pp_seen_total{how="a b"}', "3"], [
    "agent_pp_took_seconds_sum",
    "1.5",
  ]]);
});

Deno.test("metricChanges() tells what is new and what moved", () => {
  const before = new Map([["a", "1"], ["b", "2"]]);

  assertEquals(metricChanges(before, new Map([["a", "1"], ["b", "3"], ["c", "4"]])), "  b 2 -> 3\n  c 4\n");
});

Deno.test("plainErrors() leaves out what is about the compiler", () => {
  const text =
    "TS2322 [ERROR]: wrong\n    at x.ts:1:7\n\nerror: Type checking failed.\n\nStack backtrace:\n   0: <unknown>\n";

  assertEquals(plainErrors(text), "TS2322 [ERROR]: wrong\n    at x.ts:1:7\n");
});

const SYNTAX =
  "SyntaxError: Expression expected\n   |\n19 | const x = ;\n   |           ~\n    at file:///srv/draft.ts:19:11\n";
const TYPES = `TS2322 [ERROR]: wrong
    at file:///srv/draft.ts:1:7

TS2614 [ERROR]: no such member
    at file:///srv/draft.ts:2:10

Found 2 errors.
`;

Deno.test("Faults.news() tells a fault once, whoever finds it first", () => {
  const [run, checked] = [`cannot run "/srv/draft.ts": ${SYNTAX}`, `error: ${SYNTAX}`];

  for (const [first, second] of [[run, checked], [checked, run]] as const) {
    const faults = new Faults();
    assertEquals([faults.news(first), faults.news(second)], [first, ""]);
  }
});

Deno.test("Faults.news() leaves out of several faults the one that was told, and nothing that names no place", () => {
  const faults = new Faults();
  assertEquals(
    faults.news("ReferenceError: b\n    at file:///srv/draft.ts:2:10"),
    "ReferenceError: b\n    at file:///srv/draft.ts:2:10\n",
  );

  assertEquals(faults.news(TYPES), "TS2322 [ERROR]: wrong\n    at file:///srv/draft.ts:1:7\n\nFound 2 errors.\n");
  assertEquals(faults.news(TYPES), "");
  assertEquals(
    faults.news("the definition is wrong: summary is missing"),
    "the definition is wrong: summary is missing\n",
  );
});
