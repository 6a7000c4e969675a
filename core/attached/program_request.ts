/**
 * One request to an attached program over its Unix socket.
 *
 * Made with Node's client and not with `fetch`, which sends `GET http://localhost/path` over a Unix socket: allowed, but news
 * to many small servers.
 *
 * @module
 */
import { type ClientRequest, type IncomingMessage, request as openRequest } from "node:http";

/** What to ask. */
export interface ProgramRequest {
  readonly socketPath: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
  readonly body?: ReadableStream<Uint8Array> | null;
  /** Ends the request, and the answer if that has begun. */
  readonly signal: AbortSignal;
}

/** Statuses whose answers have no body (RFC 9110, 6.4.1). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Asks, with a connection of its own: it cannot meet one that the program is just closing. Both bodies are streams that wait
 * for their reader.
 *
 * @throws {Error} When the program does not answer; what the body's own source threw when that failed.
 */
export async function askProgram(asked: ProgramRequest): Promise<Response> {
  const { socketPath, method, target, headers, body, signal } = asked;
  const answered = Promise.withResolvers<IncomingMessage>();
  const request = openRequest({
    ...{ socketPath, method, path: target, signal, agent: false },
    headers: Object.fromEntries(headers),
  });
  request.on("response", answered.resolve);
  request.on("error", answered.reject);
  if (body) void send(body, request);
  else request.end();
  return responseOf(await answered.promise, method);
}

async function send(body: ReadableStream<Uint8Array>, request: ClientRequest): Promise<void> {
  try {
    for await (const chunk of body) {
      if (request.destroyed) return; // It has answered without reading all of it.
      if (!request.write(chunk)) await roomOrEnd(request);
    }
    request.end();
  } catch (error) {
    request.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

function roomOrEnd(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      request.off("drain", done);
      request.off("close", done);
      resolve();
    };
    request.on("drain", done);
    request.on("close", done);
  });
}

function responseOf(answer: IncomingMessage, method: string): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
    headers.append(answer.rawHeaders[i]!, answer.rawHeaders[i + 1]!);
  }
  const status = answer.statusCode ?? 502;
  const hasBody = method !== "HEAD" && !WITHOUT_BODY.has(status);
  if (!hasBody) answer.resume();
  const body = hasBody ? ReadableStream.from(answer as AsyncIterable<Uint8Array<ArrayBuffer>>) : null;
  return new Response(body, { status, statusText: answer.statusMessage, headers });
}
