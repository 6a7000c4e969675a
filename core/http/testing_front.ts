/**
 * A front with one plugin `p`, for tests of what is around it.
 *
 * @module
 */
import { systemClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import type { Clock } from "../plugin.ts";
import { RecentLog } from "../recent_log.ts";
import { Front, type FrontOptions } from "./front.ts";
import type { PluginRoutes } from "./plugin_routes.ts";

/** What {@linkcode serveTestFront} made. Close the front. */
export interface TestFront {
  readonly front: Front;
  readonly routes: PluginRoutes;
  /** Headers that authorize a request. */
  readonly headers: Readonly<Record<string, string>>;
  /** What left plugin code, by phase. */
  readonly failures: (readonly [phase: string, error: unknown])[];
}

/** Makes a front whose plugin `p` serves what `register` adds under `/api/v0/p`. */
export function serveTestFront(
  register: (routes: PluginRoutes) => void,
  options: Partial<FrontOptions> & { readonly clock?: Clock } = {},
): TestFront {
  const { clock = systemClock } = options;
  const failures: (readonly [string, unknown])[] = [];
  const token = "test-token";
  const front = new Front({
    clock,
    log: createLogger({ category: ["test"], clock, sink: () => {} }),
    token,
    core: {
      greeting: () => "Outpost is running",
      plugins: () => [],
      health: () => ({ status: "ok" }),
      readiness: () => ({ ready: true, body: { status: "ok" } }),
      metrics: () => ({ contentType: "text/plain", text: "" }),
      info: () => ({}),
      status: () => ({}),
      recentLog: new RecentLog(),
      document: () => ({}),
      reload: () => Promise.resolve({ plugins: [], agent: [] }),
    },
    ...options,
  });
  const routes = front.createRoutes("p", "p", {
    enter: (_phase, fn) => fn(),
    failed: (phase, error) => failures.push([phase, error]),
  });
  register(routes);
  routes.seal();
  front.mount("p", "p").answer = { kind: "serving", routes };
  return { front, routes, headers: { authorization: `Bearer ${token}` }, failures };
}
