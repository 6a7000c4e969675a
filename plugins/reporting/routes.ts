/**
 * The list of listening ports over HTTP.
 *
 * @module
 */
import type { Hono } from "hono";

import { HttpProblem, messageOf } from "../../core/errors.ts";
import type { HostFacts } from "../../core/plugin.ts";
import type { PortSettings } from "./config.ts";
import type { PortCache } from "./listening_ports.ts";

/** What {@linkcode addPortRoute} works with. */
export interface PortRouteWork {
  readonly host: HostFacts;
  readonly settings: PortSettings;
  readonly cache: PortCache;
  /** Hears whether a scan went well. */
  readonly scanned: (outcome: "ok" | "failed") => void;
}

/** Adds `GET /listening-ports`. The agent's own listeners are no ports of the workspace and are left out. */
export function addPortRoute(app: Hono, { host, settings, cache, scanned }: PortRouteWork): void {
  app.get("/listening-ports", async (c) => {
    // Other systems have no table to read; the reference answers the same.
    if (host.os !== "linux") return c.json({ ports: [] });
    try {
      const found = await cache.ports();
      scanned("ok");
      const shown = found.filter(({ port, pid }) =>
        port >= settings.min && !settings.ignore.includes(port) && pid !== Deno.pid
      );
      return c.json({
        ports: shown.map(({ port, processName }) => ({ process_name: processName, network: "tcp", port })),
      });
    } catch (error) {
      scanned("failed");
      throw new HttpProblem(500, "Could not scan for listening ports.", { detail: messageOf(error), cause: error });
    }
  });
}
