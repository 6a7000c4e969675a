import { assertEquals } from "@std/assert";

import { metricChanges, metricValues, plainErrors } from "./dev_report.ts";

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
