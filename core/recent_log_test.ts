import { assert, assertEquals } from "@std/assert";

import { createLogger } from "./log.ts";
import type { Logger } from "./plugin.ts";
import { type LogQuery, RecentLog } from "./recent_log.ts";

const ALL: LogQuery = { lines: 1000, level: "debug" };
const OPEN = new AbortController().signal;

function logOf(recent: RecentLog, source = "core"): Logger {
  return createLogger({ category: ["outpost", source], sink: recent.sink, clock: { now: () => 0 }, level: "debug" });
}

const messages = (lines: readonly string[]): string[] => lines.map((line) => JSON.parse(line).message);

Deno.test("RecentLog.tail() gives the latest lines, by level and source", () => {
  const recent = new RecentLog();
  logOf(recent).info("one");
  logOf(recent, "ssh").warn("two");
  logOf(recent, "ssh").debug("three");

  assertEquals(messages(recent.tail(ALL)), ["one", "two", "three"]);
  assertEquals(messages(recent.tail({ ...ALL, lines: 2 })), ["two", "three"]);
  assertEquals(messages(recent.tail({ ...ALL, lines: 0 })), []);
  assertEquals(messages(recent.tail({ ...ALL, level: "info" })), ["one", "two"]);
  assertEquals(messages(recent.tail({ ...ALL, source: "ssh", level: "warn" })), ["two"]);
});

Deno.test("RecentLog keeps 2000 lines, and less when they are long", () => {
  const recent = new RecentLog();
  const log = logOf(recent);
  for (let index = 0; index < 2001; index++) log.info(`line ${index}`);
  assertEquals(messages(recent.tail({ ...ALL, lines: 5000 })).length, 2000);

  for (let index = 0; index < 20; index++) log.info("long", { text: "x".repeat(100_000) });
  assert(recent.tail(ALL).join("").length <= 1024 * 1024);

  log.info("huge", { text: "x".repeat(2_000_000) });
  assertEquals(messages(recent.tail(ALL)), ["huge"]);
});

Deno.test("RecentLog.follow() gives the tail, then what comes, and the last line before the end", async () => {
  const recent = new RecentLog();
  const log = logOf(recent);
  log.info("before");
  const following = recent.follow(ALL, OPEN);

  const first = await following.next();
  const second = following.next();
  log.debug("after");
  const seen = [first, await second];
  log.info("last");
  recent.close();
  seen.push(await following.next());

  assertEquals(messages(seen.map(({ value }) => value!)), ["before", "after", "last"]);
  assertEquals((await following.next()).done, true);
});

Deno.test("RecentLog.follow() tells a slow reader how many lines it missed", async () => {
  const recent = new RecentLog();
  const log = logOf(recent);
  log.info("first");
  const following = recent.follow(ALL, OPEN);
  await following.next();

  for (let index = 0; index < 2005; index++) log.info(`line ${index}`);
  const missed = JSON.parse((await following.next()).value!);
  const next = JSON.parse((await following.next()).value!);
  await following.return();

  assertEquals([missed.level, missed.lost, next.message], ["WARN", 5, "line 5"]);
});

Deno.test("RecentLog.follow() ends when its reader goes away", async () => {
  const gone = new AbortController();
  const following = new RecentLog().follow(ALL, gone.signal);

  const waiting = following.next();
  gone.abort();

  assertEquals((await waiting).done, true);
});
