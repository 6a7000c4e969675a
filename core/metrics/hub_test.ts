import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";

import { systemClock } from "../clock.ts";
import { MetricsHub } from "./hub.ts";

const build = { name: "outpost", version: "1.2.3" };

function openHub() {
  const hub = new MetricsHub(build, systemClock);
  const failures: unknown[] = [];
  const open = (plugin: string) =>
    hub.open(plugin, { assertOpen() {}, enter: (fn) => fn(), collectFailed: (error) => void failures.push(error) });
  return { hub, open, failures };
}

Deno.test("MetricsHub.exposition() names a plugin's metrics after the plugin", async () => {
  const { hub, open } = openHub();
  const refused = open("agent-proc").counter("refused_total", { help: "Refused.", labels: { reason: ["limit"] } });

  refused.inc({ reason: "limit" });
  refused.add(2, { reason: "limit" });

  assertStringIncludes(await hub.exposition(), 'agent_agent_proc_refused_total{reason="limit"} 3');
});

Deno.test("MetricsHub.open() gives back the names when the registry is disposed", async () => {
  const { hub, open } = openHub();
  const first = open("pp");
  first.counter("x_total", { help: "X." }).inc();

  first[Symbol.dispose]();
  const second = open("pp");
  second.counter("x_total", { help: "X." });

  assertStringIncludes(await hub.exposition(), "agent_pp_x_total 0");
});

Deno.test("PluginMetrics refuses a name that another registry has", () => {
  const { open } = openHub();
  open("aa").counter("x_total", { help: "X.", exactName: "shared_total" });

  const bb = open("bb");

  assertThrows(
    () => bb.counter("x_total", { help: "X.", exactName: "shared_total" }),
    TypeError,
    'already registered by "aa"',
  );
  assertThrows(
    () => bb.counter("x_total", { help: "X.", exactName: "agent_plugin_errors_total" }),
    TypeError,
    '"core"',
  );
});

Deno.test("PluginMetrics refuses label values outside the closed set, and empty help", () => {
  const { open } = openHub();
  const metrics = open("pp");
  const counter = metrics.counter("x_total", { help: "X.", labels: { reason: ["full"] } });

  // @ts-expect-error the compiler knows the allowed values
  assertThrows(() => counter.inc({ reason: "typo" }), RangeError, "allowed is full");
  // @ts-expect-error labels are not optional when there are some
  assertThrows(() => counter.inc(), RangeError);
  assertThrows(() => metrics.gauge("empty", { help: " " }), TypeError, "help text is missing");
});

Deno.test("PluginMetrics refuses at once what the metric would refuse once it is made", () => {
  const { open } = openHub();
  const metrics = open("pp");
  const counter = metrics.counter("x_total", { help: "X." });

  assertThrows(() => metrics.gauge("two words", { help: "X." }), SyntaxError, "not a metric name");
  assertThrows(() => metrics.gauge("y", { help: "X.", labels: { "a-b": ["c"] } }), SyntaxError, '"a-b"');
  assertThrows(() => counter.add(-1), RangeError, "only counts up");
  assertThrows(() => counter.add(NaN), TypeError, "finite number");
});

Deno.test("Gauge.collect() reads at each scrape and leaves the series out when it throws", async () => {
  const { hub, open, failures } = openHub();
  let value = 1;
  open("pp").gauge("depth", { help: "Depth." }).collect(() => {
    if (value < 0) throw new Error("broken");
    return value;
  });

  assertStringIncludes(await hub.exposition(), "agent_pp_depth 1");
  value = 2;
  assertStringIncludes(await hub.exposition(), "agent_pp_depth 2");
  value = -1;
  assertFalse((await hub.exposition()).includes("agent_pp_depth 2"));
  assertEquals(failures.length, 1);
});

Deno.test("MetricsHub.stateChanged() leaves exactly one state at 1", async () => {
  const { hub } = openHub();

  hub.stateChanged("pp", "planned");
  hub.stateChanged("pp", "running");

  const ones = (await hub.exposition()).split("\n").filter((line) => /agent_plugin_state\{.*\} 1$/.test(line));
  assertEquals(ones, ['agent_plugin_state{plugin="pp",state="running"} 1']);
});

Deno.test("MetricsHub.requestDone() counts by route pattern and observes the duration", async () => {
  const { hub } = openHub();

  hub.requestDone({ plugin: "pp", route: "/api/v0/pp/:id", method: "GET", status: 200, seconds: 0.003 });

  const text = await hub.exposition();
  assertStringIncludes(
    text,
    'agent_http_requests_total{plugin="pp",route="/api/v0/pp/:id",method="GET",status="200"} 1',
  );
  assert(/duration_seconds_bucket\{le="0.005",.*\} 1/.test(text), text);
});

Deno.test("MetricsHub.gather() reads counters and gauges of everybody, with their labels, and no histograms", async () => {
  const { open, failures } = openHub();
  const aa = open("aa");
  aa.counter("seen_total", { help: "Seen.", labels: { kind: ["x", "y"] } }).add(2, { kind: "x" });
  aa.histogram("wait_seconds", { help: "Waits.", buckets: [1] }).observe(0.5);
  open("bb").gauge("open", { help: "Open." }).collect(() => 7);
  open("cc").gauge("broken", { help: "Broken." }).collect(() => {
    throw new Error("no value");
  });

  const gathered = await aa.gather();

  assertEquals(gathered.filter(({ name }) => /^agent_(aa|bb)/.test(name)), [
    { name: "agent_aa_seen_total", type: "counter", value: 2, labels: { kind: "x" } },
    { name: "agent_bb_open", type: "gauge", value: 7, labels: {} },
  ]);
  assertEquals(gathered.find(({ name }) => name === "agent_build_info")?.labels, { name: "outpost", version: "1.2.3" });
  assertEquals(failures.length, 1);
});
