import { assertEquals } from "@std/assert";

import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import type { ManifestApp } from "../controlplane/service.ts";
import { AppHealth, AppWatch, checkedApps } from "./app_health.ts";

function app(slug: string, more: Partial<ManifestApp> = {}): ManifestApp {
  const healthcheck = { url: `http://${slug}`, intervalMs: 1000, threshold: 1 };
  return { id: slug, slug, displayName: slug, health: "initializing", healthcheck, ...more };
}

Deno.test("AppHealth is well after one answer, and unwell with the failure after its threshold", () => {
  const health = new AppHealth(2, "initializing");
  const states = [false, false, true, false, false, false, false, true].map((isWell) => {
    health.record(isWell);
    return health.state;
  });

  assertEquals(states, [
    ...["initializing", "initializing"],
    ...["healthy", "healthy", "healthy", "unhealthy", "unhealthy"],
    "healthy",
  ]);
});

Deno.test("checkedApps() leaves out apps that are switched off or cannot be asked", () => {
  const healthcheck = app("a").healthcheck;
  const apps = [
    app("asked"),
    app("disabled", { health: "disabled" }),
    app("nowhere", { healthcheck: { ...healthcheck, url: "" } }),
    app("never", { healthcheck: { ...healthcheck, intervalMs: 0 } }),
    app("tolerant", { healthcheck: { ...healthcheck, threshold: 0 } }),
    app("nameless", { id: "" }),
  ];

  assertEquals(checkedApps(apps).map(({ slug }) => slug), ["asked"]);
});

Deno.test("AppWatch asks at each app's interval, just short of it, and tells of changes until they arrived", async () => {
  const clock = new VirtualClock(0);
  const asked: string[] = [];
  const answers = new Map([["http://a", true], ["http://b", false]]);
  const slow = app("b", { healthcheck: { url: "http://b", intervalMs: 2000, threshold: 1 } });
  const watch = new AppWatch([app("a"), slow], {
    clock,
    probe: (url, timeoutMs) => {
      asked.push(`${url} at ${clock.now()} within ${timeoutMs}`);
      return Promise.resolve(answers.get(url)!);
    },
  });
  const stop = new AbortController();
  const running = watch.run(stop.signal).catch(() => {});
  assertEquals(watch.changes(), undefined);

  await clock.advance(2000);
  const first = watch.changes();
  const again = watch.changes();
  again?.arrived();
  const quiet = watch.changes();
  await clock.advance(2000);
  const later = watch.changes();
  stop.abort();
  await running;

  assertEquals(asked.slice(0, 3), [
    "http://a at 1000 within 999",
    "http://b at 2000 within 1999",
    "http://a at 2000 within 999",
  ]);
  assertEquals(first?.states, [{ id: "a", state: "healthy" }, { id: "b", state: "initializing" }]);
  assertEquals(again?.states, first?.states);
  assertEquals(quiet, undefined);
  assertEquals(later?.states, [{ id: "a", state: "healthy" }, { id: "b", state: "unhealthy" }]);
});

Deno.test("AppWatch begins with what the control plane knows already", async () => {
  const clock = new VirtualClock(0);
  const watch = new AppWatch([app("a", { health: "healthy" })], { clock, probe: () => Promise.resolve(true) });
  const stop = new AbortController();
  const running = watch.run(stop.signal).catch(() => {});

  await clock.advance(5000);
  stop.abort();
  await running;

  assertEquals(watch.changes(), undefined);
});
