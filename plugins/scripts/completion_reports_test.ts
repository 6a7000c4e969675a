import { assertEquals, assertRejects } from "@std/assert";

import { aborted } from "../../core/aborted.ts";
import { RpcUnavailableError } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { type CompletionReport, CompletionReports, type SendReport } from "./completion_reports.ts";

const LOST = new RpcUnavailableError("ScriptCompleted", "lost");

function setUp() {
  const clock = new VirtualClock(0);
  const warnings: string[] = [];
  const log: Logger = {
    debug() {},
    info() {},
    warn: (message, fields) => void warnings.push(`${message}: ${fields?.script}, ${fields?.error}`),
    error() {},
  };
  const reports = new CompletionReports({ clock, log });
  const tried: string[] = [];
  const stop = new AbortController();
  /** One connection, on which each try is answered by `answer`. */
  function run(answer: SendReport = () => Promise.resolve()): Promise<void> {
    return reports.run((report, signal) => {
      tried.push(`${report.scriptId} at ${clock.now() / 1000}`);
      return answer(report, signal);
    }, stop.signal);
  }
  return { clock, reports, warnings, tried, stop, run };
}

function report(scriptId: string): CompletionReport {
  return { scriptId, stage: "cron", end: { startedAtMs: 0, endedAtMs: 0, exitCode: 0, status: "ok" } };
}

/** Nobody answers; the call ends when it is given up. */
async function silence(_: CompletionReport, signal: AbortSignal): Promise<void> {
  await aborted(signal);
  signal.throwIfAborted();
}

Deno.test("CompletionReports keeps reports for the next connection when there is none, or it is lost", async () => {
  const { reports, warnings, tried, stop, run } = setUp();
  reports.add(report("a"));
  reports.add(report("b"));
  await assertRejects(() => run(({ scriptId }) => scriptId === "a" ? Promise.resolve() : Promise.reject(LOST)));

  const running = run();
  reports.add(report("c"));
  await reports.settled(stop.signal);
  stop.abort();
  await running;

  assertEquals(tried, ["a at 0", "b at 0", "b at 0", "c at 0"]);
  assertEquals(warnings, []);
});

Deno.test("CompletionReports sends again what a minute of silence has outrun", async () => {
  const { clock, reports, warnings, tried, stop, run } = setUp();
  reports.add(report("a"));
  const running = run((report, signal) => clock.now() < 60_000 ? silence(report, signal) : Promise.resolve());

  await clock.advance(60_000);
  const during = [...tried];
  await clock.advance(60_000);
  stop.abort();
  await running;

  assertEquals([during, tried], [["a at 0", "a at 31"], ["a at 0", "a at 31", "a at 62"]]);
  assertEquals(warnings, []);
});

Deno.test("CompletionReports gives up what is refused, or never answered, says so, and goes on", async () => {
  const { clock, reports, warnings, tried, stop, run } = setUp();
  for (const id of ["refused", "old", "silent", "fine"]) reports.add(report(id));
  const running = run((report, signal) => {
    if (report.scriptId === "refused") throw new RpcError("no such script");
    if (report.scriptId === "old") throw new RpcUnavailableError("ScriptCompleted", "version");
    return report.scriptId === "silent" ? silence(report, signal) : Promise.resolve();
  });

  await clock.advance(600_000);
  stop.abort();
  await running;

  const silent = [0, 31, 62, 93, 124].map((at) => `silent at ${at}`);
  assertEquals(tried, ["refused at 0", "old at 0", ...silent, "fine at 154"]);
  assertEquals(warnings.map((line) => line.slice(0, line.indexOf(","))), [
    "script completion not reported: refused",
    "script completion not reported: old",
    "script completion not reported: silent",
  ]);
});

Deno.test("CompletionReports keeps a report whose try or pause ends with the connection", async () => {
  for (const ms of [10_000, 30_500]) {
    const { clock, reports, warnings, tried, stop, run } = setUp();
    reports.add(report("a"));
    const first = run((report, signal) => silence(report, AbortSignal.any([signal, stop.signal])));
    await clock.advance(ms);
    stop.abort();
    await first;

    const next = new AbortController();
    await reports.run((report) => {
      tried.push(`${report.scriptId} again`);
      next.abort();
      return Promise.resolve();
    }, next.signal);

    assertEquals([tried, warnings, clock.sleeping], [["a at 0", "a again"], [], 0]);
  }
});

Deno.test("CompletionReports.settled() waits for the answers, but not without a connection, or longer than its signal", async () => {
  const { reports, stop, run } = setUp();
  reports.add(report("a"));
  await reports.settled(new AbortController().signal);

  const answer = Promise.withResolvers<void>();
  const running = run(() => answer.promise);
  await reports.settled(AbortSignal.abort());
  let isSettled = false;
  const settled = reports.settled(stop.signal).then(() => isSettled = true);
  await new Promise((resolve) => setImmediate(resolve));
  const before = isSettled;
  answer.resolve();
  await settled;
  stop.abort();
  await running;

  assertEquals([before, isSettled], [false, true]);
});

Deno.test("CompletionReports.settled() ends when the connection is lost meanwhile", async () => {
  const { reports, stop, run } = setUp();
  reports.add(report("a"));
  const answer = Promise.withResolvers<void>();
  const running = run(() => answer.promise);
  const settled = reports.settled(stop.signal);

  answer.reject(LOST);

  await assertRejects(() => running, RpcUnavailableError);
  await settled;
});

Deno.test("CompletionReports holds a thousand reports, and drops the newest of more with a warning", async () => {
  const { reports, warnings, tried, stop, run } = setUp();
  for (let count = 0; count <= 1000; count++) reports.add(report(`s${count}`));
  const running = run();
  await reports.settled(stop.signal);
  stop.abort();
  await running;

  assertEquals([tried.length, tried.at(-1)], [1000, "s999 at 0"]);
  assertEquals(warnings, ["script completion not reported: s1000, 1000 reports wait already"]);
});
