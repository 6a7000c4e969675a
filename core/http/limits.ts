/**
 * Limits of requests, and the one on bodies.
 *
 * @module
 */
import { HttpProblem } from "../errors.ts";
import type { BodyShare } from "./body_budget.ts";

/** Limits of one server. A route's own come first. */
export interface FrontLimits {
  /** Largest request body, in bytes; a larger one gets 413. Default 8 MiB: a large source file with room to spare. */
  readonly maxBodyBytes: number;
  /** Bytes of the bodies of all requests in progress; a further one gets 429. Routes without a limit stream and do not count. Default 32 MiB. */
  readonly maxTotalBodyBytes: number;
  /** Time until a handler must have answered, in milliseconds; then 503. Default 30 s. */
  readonly handlerMs: number;
  /** Requests in progress at once; further ones get 429. Default 512. Open WebSockets do not count. */
  readonly maxRequests: number;
  /** Open WebSockets at once; further ones get 429. Default 256: each may queue megabytes. */
  readonly maxWebSockets: number;
  /** Bytes waiting for the clients of all WebSockets; beyond them the one with most is closed with 1009. Default 64 MiB. */
  readonly maxTotalQueuedBytes: number;
  /** Ping a WebSocket this often and give up when nothing comes back for as long, in milliseconds. Default 15 s. */
  readonly heartbeatMs: number;
}

/** Used where the configuration says nothing. */
export const DEFAULT_LIMITS: FrontLimits = Object.freeze({
  maxBodyBytes: 8 * 1024 * 1024,
  maxTotalBodyBytes: 32 * 1024 * 1024,
  handlerMs: 30_000,
  maxRequests: 512,
  maxWebSockets: 256,
  maxTotalQueuedBytes: 64 * 1024 * 1024,
  heartbeatMs: 15_000,
});

/**
 * Holds a request's body to `maxBytes`. A body of unknown length is counted while it is read, and reading fails with the
 * same problem as soon as the limit is passed: nothing beyond it is kept.
 *
 * @param share Charged with what comes.
 * @throws {HttpProblem} 413 when `Content-Length` already says so, 429 when the share does.
 */
export function boundBody(request: Request, maxBytes: number, share: BodyShare): Request {
  const length = request.headers.get("content-length");
  if (length !== null) {
    // The server cuts a body at its Content-Length, so that the header can be believed.
    if (Number(length) > maxBytes) throw tooLarge(maxBytes);
    if (maxBytes !== Infinity) share.add(Number(length));
    return request;
  }
  if (request.method === "GET" || request.method === "HEAD" || maxBytes === Infinity || request.body === null) {
    return request;
  }
  let seen = 0;
  const counted = request.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        seen += chunk.byteLength;
        if (seen > maxBytes) throw tooLarge(maxBytes);
        share.add(chunk.byteLength);
        controller.enqueue(chunk);
      },
    }),
  );
  // `duplex` is what the Fetch standard demands for a body that is still being produced.
  return new Request(request, { body: counted, duplex: "half" } as RequestInit);
}

function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem(413, "Request body is too large", { detail: `the limit is ${maxBytes} bytes` });
}
