/**
 * One line per request.
 *
 * @module
 */
import type { Logger } from "../plugin.ts";
import type { Exchange } from "./exchange.ts";
import { JSON_TYPE } from "./json.ts";

/** Longest part of an error body that is logged, in characters. */
const MAX_LOGGED_BODY = 2_000;

/** Writes what was asked and answered: failures of the agent at `warn` with their body, the rest at `debug`. */
export function logAccess(log: Logger, exchange: Exchange, response: Response, seconds: number): void {
  const { method, host, connection } = exchange;
  const fields = {
    host,
    path: maskedPath(exchange.path),
    proto: "HTTP",
    remote_addr: connection.remote,
    start: new Date(Date.now() - seconds * 1000),
    took: `${(seconds * 1000).toFixed(3)}ms`,
    status_code: response.status,
    latency_ms: Math.round(seconds * 1000),
    plugin: exchange.plugin,
  };
  if (response.status < 500) return log.debug(method, fields);
  // Error bodies are short JSON texts in memory; anything else may be a stream that never ends.
  if (response.headers.get("content-type") !== JSON_TYPE) return log.warn(method, fields);
  response.clone().text().then(
    (text) => log.warn(method, { ...fields, response_body: text.slice(0, MAX_LOGGED_BODY) }),
    (error) => log.warn(method, { ...fields, body_error: String(error) }),
  );
}

/** A sign-in code must not outlive its use in a log. */
function maskedPath(path: string): string {
  return path.startsWith("/auth/") ? "/auth/…" : path;
}
