/**
 * Reaches an agent over its Unix socket, from Node. Needs no token: who can open the socket may do everything.
 *
 * WebSockets are not carried: Node has no class for them that can reach a Unix socket.
 *
 * @module
 */
import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeStream } from "node:stream/web";

import { type ClientOptions, OutpostClient } from "./client.ts";
import type { Transport } from "./transport.ts";

/** A client of the agent that listens on `path`, an absolute one. */
export function connectUnix(path: string, options: ClientOptions = {}): OutpostClient {
  return new OutpostClient(unixTransport(path), options);
}

/** Carries requests to the socket at `path`. */
export function unixTransport(path: string): Transport {
  return { fetch: (target, init) => fetchUnix(path, target, init) };
}

/** Statuses whose responses the Fetch standard allows no body. */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304]);

function fetchUnix(socketPath: string, path: string, init: RequestInit = {}): Promise<Response> {
  // The host part is only for the Host header; the socket decides who is asked.
  const asked = new Request(`http://localhost${path}`, init);
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath,
      path,
      method: asked.method,
      headers: Object.fromEntries(asked.headers),
      signal: init.signal ?? undefined,
    });
    outgoing.on("error", (error) => reject(init.signal?.aborted ? init.signal.reason : error));
    outgoing.on("response", (incoming) => {
      const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value])
      );
      const status = incoming.statusCode ?? 0;
      const body = BODYLESS.has(status) ? null : Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
      if (body === null) incoming.resume();
      resolve(new Response(body, { status, headers }));
    });
    if (asked.body === null) outgoing.end();
    else pipeline(Readable.fromWeb(asked.body as NodeStream), outgoing).catch(reject);
  });
}
