import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";

import { ScopeClosedError } from "./errors.ts";
import { PluginHealth } from "./health.ts";
import { createLogger, LogBuffer } from "./log.ts";
import { currentOwner } from "./owner.ts";
import { Scope } from "./scope.ts";
import { PluginTasks } from "./tasks.ts";
import { VirtualClock } from "./testing/virtual_clock.ts";

function openTasks() {
  const clock = new VirtualClock();
  const charged: unknown[] = [];
  const scope = new Scope("p", (error) => charged.push(error));
  const buffer = new LogBuffer();
  const log = createLogger({ category: ["p"], sink: buffer.sink, clock });
  const health = new PluginHealth(() => {});
  return { clock, charged, scope, health, buffer, tasks: new PluginTasks({ scope, clock, log, health }) };
}

Deno.test("PluginTasks.run() waits with recorded work until the plugin begins", async () => {
  const { tasks, scope } = openTasks();
  let owner: string | undefined;
  tasks.run("t", () => Promise.resolve(void (owner = currentOwner()?.plugin)));
  assertEquals(owner, undefined);

  tasks.begin();
  await tasks.ended();

  assertEquals(owner, "p");
  scope.close("end");
});

Deno.test("PluginTasks.run() charges a failure, degrades the plugin and does not restart by default", async () => {
  const { tasks, charged, health, scope } = openTasks();
  let times = 0;
  tasks.run("t", () => {
    times++;
    return Promise.reject(new Error("boom"));
  });

  tasks.begin();
  await tasks.ended();

  assertEquals(times, 1);
  assertEquals(charged.map(String), ["Error: boom"]);
  assertEquals(health.reason, 'task "t" failed: boom');
  scope.close("end");
});

Deno.test("PluginTasks.run() restarts with growing pauses up to the hourly budget", async () => {
  const { tasks, clock, scope, buffer } = openTasks();
  const starts: number[] = [];
  const began = clock.now();
  tasks.run("t", () => {
    starts.push(clock.now() - began);
    return Promise.reject(new Error("boom"));
  }, { restart: { maxPerHour: 3 } });

  tasks.begin();
  await clock.advance(60_000);
  await tasks.ended();

  assertEquals(starts, [0, 1000, 3000, 7000]);
  assert(buffer.records.some((record) => record.rawMessage === "task not restarted any more"));
  scope.close("end");
});

Deno.test("PluginTasks.run() clears the reason when the restarted work keeps going", async () => {
  const { tasks, clock, health, scope } = openTasks();
  let first = true;
  tasks.run("t", (signal) => {
    if (!first) return clock.sleep(1e9, signal);
    first = false;
    return Promise.reject(new Error("boom"));
  }, { restart: { maxPerHour: 3 } });

  tasks.begin();
  await clock.advance(2000);
  assertStringIncludes(health.reason ?? "", "boom");
  await clock.advance(60_000);

  assertEquals(health.reason, undefined);
  scope.close("end");
  await tasks.ended();
});

Deno.test("PluginTasks.every() never runs twice at once and goes on after a failure", async () => {
  const { tasks, clock, charged, health, scope } = openTasks();
  let runs = 0;
  tasks.every("t", 1000, () => {
    runs++;
    if (runs === 2) throw new Error("once");
  });

  tasks.begin();
  await clock.advance(2000);
  assertEquals(health.reason, 'task "t" failed: once');
  await clock.advance(2000);

  assertEquals(runs, 4);
  assertEquals(charged.length, 1);
  assertEquals(health.reason, undefined);
  scope.close("end");
  await tasks.ended();
});

Deno.test("PluginTasks ends its work with the scope, without charging the abort", async () => {
  const { tasks, clock, charged, scope } = openTasks();
  tasks.run("t", (signal) => clock.sleep(1e9, signal));
  tasks.begin();
  assertEquals(tasks.running.map(({ name }) => name), ["t"]);

  scope.close("stop");
  await tasks.ended();

  assertEquals(charged, []);
  assertThrows(() => tasks.run("late", () => Promise.resolve()), ScopeClosedError, 'run task "late"');
});
