import { DatabaseSync } from "node:sqlite";
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";

import { openSqliteStore } from "./sqlite_store.ts";
import type { BoundaryEntry, LogLine } from "./store.ts";

const line = (output: string, sourceId = "s"): LogLine => ({
  ...{ output, sourceId, level: "info", reportedAt: "2026-01-01", createdAt: "2026-01-02" },
});
const request = (more: Partial<BoundaryEntry>): BoundaryEntry => ({
  ...{ decision: "allow", time: "2026-01-01T00:00:00.000000000Z", method: "GET", url: "", host: "", sessionId: "" },
  ...{ sequenceNumber: 0, ...more },
});

Deno.test("a store in a file remembers, and is open to nobody else's layout", async () => {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "store.db");
  {
    using store = openSqliteStore(path);
    store.put("a", "metadata", "load", { value: "1", error: "", collectedAt: "now" });
    store.addLogs("a", [line("kept")]);
  }
  {
    using store = openSqliteStore(path);
    assertEquals(store.latest("a", "metadata", "load")?.value, "1");
    assertEquals(store.logs("a", { limit: 1 })[0]?.output, "kept");
  }
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  db.close();

  assertThrows(() => openSqliteStore(path), Error, "its layout is 99");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("put() replaces by agent, kind and key", () => {
  using store = openSqliteStore(":memory:");
  const value = (text: string) => ({ value: text, error: "", collectedAt: "now" });

  store.put("a", "metadata", "x", value("1"));
  store.put("a", "metadata", "x", value("2"));
  store.put("a", "metadata", "w", value("3"));
  store.put("b", "metadata", "x", value("4"));

  const found = Object.entries(store.latestByKey("a", "metadata")).map(([key, { value }]) => [key, value]);
  assertEquals(found, [["w", "3"], ["x", "2"]]);
  assertEquals(store.latest("b", "metadata", "y"), undefined);
});

Deno.test("append() adds once per key, and events() returns the newest, oldest first", () => {
  using store = openSqliteStore(":memory:");
  const state = (name: string) => ({ state: name, changedAt: "c", receivedAt: "r" });

  const added = ["one", "two", "two", "three"].map((name) => store.append("a", "lifecycle", state(name), name));
  store.append("b", "lifecycle", state("two"), "two");

  assertEquals(added, [true, true, false, true]);
  assertEquals(store.events("a", "lifecycle", 2).map((event) => event.state), ["two", "three"]);
  assertEquals(store.events("b", "lifecycle", 9).length, 1);
});

Deno.test("append() keeps the newest 10,000 of a kind, give or take the last few writes", () => {
  using store = openSqliteStore(":memory:");
  const usage = (count: number) => ({ collectedAt: String(count), volumes: [] });

  store.append("b", "usage", usage(0));
  for (let count = 0; count < 10_240 + 256; count++) store.append("a", "usage", usage(count));

  const kept = store.events("a", "usage", 20_000);
  assertEquals([kept.length, kept.at(-1)?.collectedAt], [10_000, "10495"]);
  assertEquals(store.events("b", "usage", 10).length, 1);
});

Deno.test("logs are counted in bytes, read in pages, and forgotten together", () => {
  using store = openSqliteStore(":memory:");

  store.addLogs("a", [line("é"), line("two"), line("other", "t")]);
  store.addLogs("b", [line("not mine")]);
  const all = store.logs("a", { limit: 10 });

  assertEquals([store.logBytes("a"), store.logBytes("b"), store.logBytes("c")], [10, 8, 0]);
  assertEquals(store.logs("a", { limit: 2 }).map(({ output }) => output), ["two", "other"]);
  assertEquals(store.logs("a", { after: all[0]!.id, limit: 1 }).map(({ output }) => output), ["two"]);
  assertEquals(store.lastLogs("a", "s", 5).map(({ output }) => output), ["é", "two"]);

  store.put("a", "logLimit", "", { isReached: true });
  store.clearLogs("a");
  assertEquals([store.logs("a", { limit: 10 }), store.logBytes("a"), store.latest("a", "logLimit")], [
    [],
    0,
    undefined,
  ]);
  assertEquals(store.logBytes("b"), 8);
});

Deno.test("boundary() filters by decision, host with its subdomains, and time", () => {
  using store = openSqliteStore(":memory:");
  const at = (second: string) => `2026-01-01T00:00:${second}Z`;
  store.addBoundary("a", [
    request({ url: "1", host: "example.org", time: at("01.000000000"), matchedRule: "all" }),
    request({ url: "2", host: "api.example.org", decision: "deny", time: at("02.000000000") }),
    request({ url: "3", host: "notexample.org", time: at("02.500000000") }),
  ]);
  const urls = (filter: Parameters<typeof store.boundary>[1]) =>
    store.boundary("a", filter, { limit: 10 }).map(({ url }) => url);

  assertEquals(urls({}), ["1", "2", "3"]);
  assertEquals(urls({ decision: "deny" }), ["2"]);
  assertEquals(urls({ host: "example.org" }), ["1", "2"]);
  assertEquals(urls({ since: at("02.000000000") }), ["2", "3"]);
  assertEquals(urls({ since: at("01.000000000"), until: at("02.000000000") }), ["1"]);
  assertEquals(urls({ host: "example.org", decision: "allow" }), ["1"]);
  assertEquals(store.boundary("a", {}, { limit: 10 }).map(({ matchedRule }) => matchedRule), [
    "all",
    undefined,
    undefined,
  ]);
});
