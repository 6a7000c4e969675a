import { assertEquals } from "@std/assert";

import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import type { ManifestMetadata } from "../controlplane/service.ts";
import { MetadataCollector } from "./metadata_collector.ts";
import type { MetadataCommand } from "./metadata_command.ts";

function item(key: string, more: Partial<ManifestMetadata> = {}): ManifestMetadata {
  return { key, displayName: key, script: key, intervalSeconds: 0, timeoutSeconds: 0, ...more };
}

function setUp(options: { maxRunning?: number; tickMs?: number; hold?: Promise<void> } = {}) {
  const clock = new VirtualClock(0);
  const runs: (MetadataCommand & { at: number })[] = [];
  let count = 0;
  const collector = new MetadataCollector({
    clock,
    tickMs: options.tickMs ?? 1000,
    maxRunning: options.maxRunning ?? 10,
    collect: async (command) => {
      runs.push({ ...command, at: clock.now() });
      const value = String(++count);
      await options.hold;
      return { collectedAtMs: runs.at(-1)!.at, value, error: "" };
    },
  });
  const signal = new AbortController().signal;
  const tick = async () => {
    collector.collectDue(signal);
    if (options.hold === undefined) await collector.settled();
    await clock.advance(1000);
  };
  return { clock, collector, runs, tick, signal };
}

Deno.test("MetadataCollector collects an item with interval 0 once, and others never faster than their interval", async () => {
  const { collector, runs, tick } = setUp();
  collector.update([item("once"), item("often", { intervalSeconds: 1 }), item("seldom", { intervalSeconds: 3 })]);

  for (let second = 0; second < 7; second++) await tick();

  const times = (script: string) => runs.filter((run) => run.script === script).map(({ at }) => at / 1000);
  assertEquals(times("once"), [0]);
  assertEquals(times("often"), [0, 1, 2, 3, 4, 5, 6]);
  assertEquals(times("seldom"), [0, 3, 6]);
});

Deno.test("MetadataCollector runs each key once at a time", async () => {
  const gate = Promise.withResolvers<void>();
  const { collector, runs, tick, signal } = setUp({ hold: gate.promise });
  collector.update([item("slow", { intervalSeconds: 1 })]);

  for (let second = 0; second < 5; second++) await tick();
  assertEquals(runs.length, 1);
  gate.resolve();
  await collector.settled();
  collector.collectDue(signal);
  await collector.settled();

  assertEquals(runs.length, 2);
});

Deno.test("MetadataCollector keeps the newest unsent result of a key, and hands each out once", async () => {
  const { collector, tick } = setUp();
  collector.update([item("a", { intervalSeconds: 1 })]);

  await tick();
  await tick();

  assertEquals(collector.take().map(({ key, value }) => [key, value]), [["a", "2"]]);
  assertEquals(collector.take(), []);
});

Deno.test("MetadataCollector forgets what left the manifest, keeps the time of what stays, and collects what changed", async () => {
  const { collector, runs, tick } = setUp();
  collector.update([item("gone"), item("stays"), item("changes")]);
  await tick();

  collector.update([item("stays"), item("changes", { script: "other" })]);
  await tick();

  assertEquals(runs.map(({ script }) => script), ["gone", "stays", "changes", "other"]);
  assertEquals(collector.take().map(({ key }) => key).sort(), ["changes", "stays"]);
});

Deno.test("MetadataCollector drops a result that comes after its item left the manifest", async () => {
  const gate = Promise.withResolvers<void>();
  const { collector, tick } = setUp({ hold: gate.promise });
  collector.update([item("a")]);
  await tick();

  collector.update([]);
  gate.resolve();
  await collector.settled();

  assertEquals(collector.take(), []);
});

Deno.test("MetadataCollector lets the longest waiting begin when there are too many", async () => {
  const { collector, runs, tick } = setUp({ maxRunning: 2 });
  collector.update(["a", "b", "c"].map((key) => item(key, { intervalSeconds: 1 })));

  for (let second = 0; second < 3; second++) await tick();

  assertEquals(runs.map(({ script }) => script), ["a", "b", "c", "a", "b", "a"]);
});

Deno.test("MetadataCollector takes the timeout, else the interval, else three ticks, else five seconds", async () => {
  const items = [item("a", { timeoutSeconds: 7, intervalSeconds: 9 }), item("b", { intervalSeconds: 9 }), item("c")];
  const usual = setUp();
  usual.collector.update(items);
  const quick = setUp({ tickMs: 100 });
  quick.collector.update(items);

  await usual.tick();
  await quick.tick();

  assertEquals(usual.runs.map(({ timeoutMs }) => timeoutMs), [7000, 9000, 3000]);
  assertEquals(quick.runs.map(({ timeoutMs }) => timeoutMs), [7000, 9000, 5000]);
});

Deno.test("MetadataCollector collects on when the machine's clock was set back", async () => {
  const { clock, collector, runs, tick } = setUp();
  collector.update([item("often", { intervalSeconds: 1 })]);
  await tick();

  clock.jump(-3_600_000);
  await tick();

  assertEquals(runs.length, 2);
});
