/**
 * Asks an app over HTTP.
 *
 * @module
 */
import { Deadline } from "../../core/deadline.ts";
import type { Clock } from "../../core/plugin.ts";
import type { AppProbe } from "./app_health.ts";

/** Statuses from here on mean that the app is unwell. */
const SERVER_ERROR = 500;

/** A probe, and the connections it holds: dispose it. */
export interface HttpProbe extends Disposable {
  readonly probe: AppProbe;
}

/** Opens a probe. Each question is a GET on a connection of its own; any answer below 500 is a good one. */
export function openHttpProbe(clock: Clock): HttpProbe {
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  return {
    async probe(url, timeoutMs, signal) {
      if (!/^https?:/i.test(url)) return false; // The runtime would fetch files too.
      try {
        return await new Deadline(clock, timeoutMs).run(`health check of ${url}`, async (limit) => {
          const response = await fetch(url, { client, signal: limit });
          await response.body?.cancel();
          return response.status < SERVER_ERROR;
        }, { signal, graceMs: 0 });
      } catch {
        // No connection, no answer in time, or no address at all: the app is not well, which is what is reported.
        return false;
      }
    },
    [Symbol.dispose]: () => client.close(),
  };
}
