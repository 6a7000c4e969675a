import { assertEquals } from "@std/assert";

import type { Logger } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import type { Usage } from "./memory_usage.ts";
import { type Datapoint, isMonitoring, type MonitorSettings, ResourceMonitor } from "./resource_monitor.ts";
import { readVolumeUsage } from "./volume_usage.ts";

const SETTINGS: MonitorSettings = { memory: true, volumes: ["/"], datapoints: 3, intervalMs: 10_000 };
const USAGE: Usage = { used: 1, total: 2 };

async function run(seconds: number, options: {
  settings?: Partial<MonitorSettings>;
  memory?: () => Promise<Usage>;
  volume?: () => Promise<Usage>;
  failPush?: boolean;
} = {}) {
  const clock = new VirtualClock(0);
  const pushed: (readonly Datapoint[])[] = [];
  const warnings: string[] = [];
  const log: Logger = { debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} };
  const monitor = new ResourceMonitor({ ...SETTINGS, ...options.settings }, {
    ...{ clock, log },
    memory: options.memory ?? (() => Promise.resolve(USAGE)),
    volume: options.volume ?? (() => Promise.resolve(USAGE)),
    push: (window) => {
      pushed.push(window);
      return options.failPush ? Promise.reject(new Error("away")) : Promise.resolve();
    },
  });
  const stop = new AbortController();
  const running = monitor.run(stop.signal).catch(() => {});
  await clock.advance(seconds * 1000);
  stop.abort();
  await running;
  return { pushed, warnings };
}

Deno.test("ResourceMonitor sends the whole window with each sample once it is full", async () => {
  const { pushed } = await run(60);

  assertEquals(pushed.length, 6 - 3 + 1);
  assertEquals(pushed.map((window) => window.map(({ atMs }) => atMs / 1000)), [
    [10, 20, 30],
    [20, 30, 40],
    [30, 40, 50],
    [40, 50, 60],
  ]);
  assertEquals(pushed[0]![0], { atMs: 10_000, memory: USAGE, volumes: [{ path: "/", ...USAGE }] });
});

Deno.test("ResourceMonitor goes on after a window that could not be sent", async () => {
  const { pushed, warnings } = await run(50, { failPush: true });

  assertEquals(pushed.length, 3);
  assertEquals(warnings, Array(3).fill("resource usage not reported"));
});

Deno.test("ResourceMonitor leaves out what cannot be read, and says so once", async () => {
  const broken = () => Promise.reject(new Error("no such volume"));
  const { pushed, warnings } = await run(50, { volume: broken });

  assertEquals(pushed.length, 3);
  assertEquals(pushed[0]![0], { atMs: 10_000, memory: USAGE, volumes: [] });
  assertEquals(warnings, ["resource not sampled"]);
  assertEquals((await run(30, { memory: broken })).pushed[0]![0]!.memory, undefined);
});

Deno.test("isMonitoring() wants something to sample and a window to put it in", () => {
  const verdicts = [{}, { memory: false }, { memory: false, volumes: [] }, { datapoints: 0 }, { intervalMs: 0 }]
    .map((more) => isMonitoring({ ...SETTINGS, ...more }));

  assertEquals(verdicts, [true, true, false, false, false]);
});

Deno.test("readVolumeUsage() reads this machine's root", async () => {
  const { used, total } = await readVolumeUsage("/");
  assertEquals(used > 0 && used <= total, true, `${used} of ${total}`);
});
