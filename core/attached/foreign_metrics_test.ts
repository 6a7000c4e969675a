import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { relabel, type RelabelOptions } from "./foreign_metrics.ts";

const OPTIONS: RelabelOptions = {
  prefix: "agent_pp_",
  exact: new Set(["fixed_name"]),
  owns: (name) => name !== "agent_pp_taken",
};

Deno.test("relabel() puts the plugin's prefix in front, but not twice and not on exact names", () => {
  const text = "# HELP seen_total Seen.\n# TYPE seen_total counter\nseen_total 1\nagent_pp_own 2\nfixed_name 3\n";

  assertEquals(
    relabel(text, OPTIONS),
    "# HELP agent_pp_seen_total Seen.\n# TYPE agent_pp_seen_total counter\nagent_pp_seen_total 1\nagent_pp_own 2\nfixed_name 3\n",
  );
});

Deno.test("relabel() keeps histograms together and labels as they are", () => {
  const text = `# TYPE took_seconds histogram
took_seconds_bucket{le="0.1"} 1
other{a="b,c}"} 5
took_seconds_bucket{le="+Inf"} 2
took_seconds_sum 0.3
took_seconds_count 2
`;

  assertEquals(
    relabel(text, OPTIONS),
    `# TYPE agent_pp_took_seconds histogram
agent_pp_took_seconds_bucket{le="0.1"} 1
agent_pp_took_seconds_bucket{le="+Inf"} 2
agent_pp_took_seconds_sum 0.3
agent_pp_took_seconds_count 2
agent_pp_other{a="b,c}"} 5
`,
  );
});

Deno.test("relabel() leaves out what would spoil the whole scrape: garbage, repeated series, names of others", () => {
  const text =
    'x 1\nx 2\nhello world\nbad{a=b} 1\nok{a="b"} NaN\nlate 3 1700000000000\ntaken 4\n<html>\n# TYPE x wrong\n';

  assertEquals(relabel(text, OPTIONS), 'agent_pp_x 1\nagent_pp_ok{a="b"} NaN\nagent_pp_late 3\n');
});

Deno.test("relabel() bounds the number of series", () => {
  const text = Array.from({ length: 5000 }, (_, i) => `many{i="${i}"} 1`).join("\n");

  assertEquals(relabel(text, OPTIONS).trim().split("\n").length, 2000);
});

Deno.test("relabel() returns lines that are samples or comments, whatever it was given", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom("a 1", 'b{c="d"} 2', "# TYPE a gauge"))), (lines) => {
      const result = relabel(lines.join("\n"), OPTIONS);

      for (const line of result.split("\n").slice(0, -1)) {
        assertEquals(/^(?:# (?:HELP|TYPE) \S+ .*|(?:agent_pp_|fixed_name)\S*(?:\{.*\})? \S+)$/.test(line), true, line);
      }
    }),
  );
});

Deno.test("relabel() keeps a metric whose labels have no values yet", () => {
  const text = "# HELP seen_total Seen.\n# TYPE seen_total counter\n";

  assertEquals(relabel(text, OPTIONS), "# HELP agent_pp_seen_total Seen.\n# TYPE agent_pp_seen_total counter\n");
});
