import { assertEquals, assertRejects } from "@std/assert";

import type { Logger } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import type { Manifest, ManifestScript } from "../controlplane/service.ts";
import type { ScriptStatus } from "./script_run.ts";
import { ScriptRunner } from "./script_runner.ts";

const NEVER = new AbortController().signal;
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

function script(id: string, more: Partial<ManifestScript> = {}): ManifestScript {
  const rest = { logSourceId: id, logPath: "", script: id, cron: "", timeoutMs: 0, displayName: id };
  return { id, ...rest, runOnStart: false, runOnStop: false, ...more };
}

function setUp(statuses: Readonly<Record<string, ScriptStatus>> = {}, ms = 0) {
  const clock = new VirtualClock(0);
  const runs: string[] = [];
  const runner = new ScriptRunner({
    clock,
    log: silent,
    runOne: async ({ id }, stage) => {
      runs.push(`${stage} ${id} at ${clock.now()}`);
      if (ms > 0) await clock.sleep(ms);
      return { startedAtMs: 0, endedAtMs: clock.now(), exitCode: 0, status: statuses[id] ?? "ok" };
    },
  });
  return { clock, runner, runs };
}

function manifestWith(...scripts: readonly ManifestScript[]): Manifest {
  return { scripts } as unknown as Manifest;
}

Deno.test("ScriptRunner runs at each stage what belongs to it, all at once", async () => {
  const { runner, runs } = setUp();
  const manifest = manifestWith(
    script("start", { runOnStart: true }),
    script("stop", { runOnStop: true }),
    script("both", { runOnStart: true, runOnStop: true }),
    script("cron", { cron: "* * * * * *" }),
    script("never"),
  );

  const outcomes = [await runner.start(manifest), await runner.stop(NEVER)];

  assertEquals(outcomes, ["ok", "ok"]);
  assertEquals(runs, ["start start at 0", "start both at 0", "stop stop at 0", "stop both at 0"]);
});

Deno.test("ScriptRunner takes a timeout for worse than an error, and waits for all", async () => {
  const { clock, runner } = setUp({ slow: "timed_out", broken: "exit_failure", open: "pipes_left_open" }, 10);
  const start = (...ids: string[]) => runner.start(manifestWith(...ids.map((id) => script(id, { runOnStart: true }))));

  const outcomes = [start("fine"), start("fine", "broken"), start("open"), start("broken", "slow", "fine")];
  await clock.advance(10);

  assertEquals(await Promise.all(outcomes), ["ok", "error", "error", "timeout"]);
});

Deno.test("ScriptRunner has nothing to stop before it started", async () => {
  const { runner, runs } = setUp();

  assertEquals([await runner.stop(NEVER), runs], ["ok", []]);
});

Deno.test("ScriptRunner.repeat() runs at its times, never twice at once", async () => {
  const { clock, runner, runs } = setUp({}, 1500);
  const stop = new AbortController();
  const everySecond = (_cron: string, fromMs: number) => (Math.floor(fromMs / 1000) + 1) * 1000;

  const running = runner.repeat(script("tick", { cron: "* * * * * *" }), everySecond, stop.signal);
  await clock.advance(6000);
  stop.abort(new Error("over"));
  await clock.advance(1500);

  await running;
  assertEquals(runs, ["cron tick at 1000", "cron tick at 3000", "cron tick at 5000"]);
});

Deno.test("ScriptRunner.repeat() ends at once when it is stopped right after it began, and when there is no next time", async () => {
  const { runner, runs } = setUp();
  const stop = new AbortController();
  const never = runner.repeat(script("a"), () => undefined, stop.signal);
  const waiting = runner.repeat(script("b"), () => 1000, stop.signal);
  stop.abort(new Error("over"));

  await never;
  await assertRejects(() => waiting, Error, "over");
  assertEquals(runs, []);
});

Deno.test("ScriptRunner.repeat() keeps to the machine's clock when that is set, and runs no time twice", async () => {
  const { clock, runner, runs } = setUp();
  const stop = new AbortController();
  const tenMinutes = 600_000;
  const next = (_cron: string, fromMs: number) => Math.floor(fromMs / tenMinutes + 1) * tenMinutes;
  const repeating = runner.repeat(script("often", { cron: "0 */10 * * * *" }), next, stop.signal);
  await clock.advance(60_000);

  clock.jump(480_000); // One minute is left now.
  await clock.advance(60_000);
  assertEquals(runs, ["cron often at 600000"]);
  clock.jump(-120_000); // What has come lies ahead again.
  await clock.advance(719_000);
  assertEquals(runs.length, 1);
  await clock.advance(1000);

  assertEquals(runs, ["cron often at 600000", "cron often at 1200000"]);
  stop.abort();
  await assertRejects(() => repeating);
});

Deno.test("ScriptRunner.stop() waits no longer than its limit, and says which script did not finish", async () => {
  const told: unknown[] = [];
  const log: Logger = { ...silent, warn: (message, fields) => told.push([message, fields]) };
  const runOne = ({ id }: ManifestScript) =>
    id === "endless"
      ? new Promise<never>(() => {})
      : Promise.resolve({ startedAtMs: 0, endedAtMs: 0, exitCode: 0, status: "ok" as const });
  const runner = new ScriptRunner({ clock: new VirtualClock(0), log, runOne });
  const limit = new AbortController();
  await runner.start(manifestWith(script("endless", { runOnStop: true }), script("short", { runOnStop: true })));

  const stopped = runner.stop(limit.signal);
  await new Promise((resolve) => setImmediate(resolve));
  limit.abort();

  assertEquals(await stopped, "timeout");
  assertEquals(told, [["did not finish", { phase: "drain", what: 'stop script "endless"' }]]);
});
