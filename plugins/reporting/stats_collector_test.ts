import { assertEquals } from "@std/assert";

import type { GatheredMetric } from "../../core/plugin.ts";
import { StatsCollector, type Traffic } from "./stats_collector.ts";

const METRICS: readonly GatheredMetric[] = [
  { name: "a_total", type: "counter", labels: {}, value: 1 },
  { name: "b", type: "gauge", labels: { x: "y" }, value: 2 },
];

function setUp() {
  const traffic: Record<"ssh" | "terminals", Traffic> = {
    ssh: { received: 10, sent: 100 },
    terminals: { received: 1, sent: 2 },
  };
  const collector = new StatsCollector({
    ssh: {
      serve: () => Promise.resolve(),
      sessions: () => ({ ssh: 3, vscode: 1, jetbrains: 2 }),
      connections: () => 2,
      traffic: () => traffic.ssh,
    },
    terminals: { count: () => 5, traffic: () => traffic.terminals },
    gather: () => Promise.resolve(METRICS),
    maxMetrics: 10,
  });
  return { collector, traffic };
}

Deno.test("StatsCollector counts sessions, connections and metrics of now", async () => {
  const { connections, sessions, metrics } = await setUp().collector.collect();

  assertEquals(connections, 7);
  assertEquals(sessions, { ssh: 3, vscode: 1, jetbrains: 2, terminals: 5 });
  assertEquals(metrics, METRICS);
});

Deno.test("StatsCollector keeps what happens while a report is on its way for the next one", async () => {
  const { collector, traffic } = setUp();
  const first = await collector.collect();
  traffic.ssh = { received: 15, sent: 100 };
  first.arrived();

  const second = await collector.collect();

  assertEquals([first.traffic, second.traffic], [{ received: 11, sent: 102 }, { received: 5, sent: 0 }]);
});

Deno.test("StatsCollector counts what did not arrive again", async () => {
  const { collector, traffic } = setUp();
  await collector.collect();
  traffic.terminals = { received: 2, sent: 2 };

  assertEquals((await collector.collect()).traffic, { received: 12, sent: 102 });
});

Deno.test("StatsCollector begins anew with a plugin that was restarted", async () => {
  const { collector, traffic } = setUp();
  (await collector.collect()).arrived();
  traffic.ssh = { received: 4, sent: 5 };

  assertEquals((await collector.collect()).traffic, { received: 4, sent: 5 });
});

Deno.test("StatsCollector counts nothing where no plugin does, and bounds the metrics", async () => {
  const collector = new StatsCollector({ gather: () => Promise.resolve(METRICS), maxMetrics: 1 });

  const { connections, sessions, traffic, metrics } = await collector.collect();

  assertEquals([connections, sessions, traffic], [0, { ssh: 0, vscode: 0, jetbrains: 0, terminals: 0 }, {
    received: 0,
    sent: 0,
  }]);
  assertEquals(metrics, METRICS.slice(0, 1));
});
