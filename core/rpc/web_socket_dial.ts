/**
 * Opens the WebSocket to the control plane, and says what the server answered when it does not upgrade.
 *
 * @module
 */
import { connect } from "node:net";

// @ts-types="./ws.d.ts"
import type { UpgradeRefusal } from "ws";

import { Deadline } from "../deadline.ts";
import { messageOf, type Validation } from "../errors.ts";
import type { Clock } from "../plugin.ts";
import type { ByteStream } from "./byte_stream.ts";
import { clientWebSocketStream } from "./client_web_socket_stream.ts";
import { DialError, type DialRefusal } from "./dial_error.ts";
import { loadWebSocket } from "./ws_library.ts";

/** Time for the handshake, in milliseconds. */
const HANDSHAKE_MS = 30_000;
/** Most bytes read of an answer that is no upgrade. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** Longest message taken, in bytes: far more than a window, so only a broken peer gets here. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** What {@linkcode dialWebSocket} takes. */
export interface WebSocketDialOptions {
  /** `http:` or `https:`. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Path of a Unix socket to connect to, whatever host `url` names. */
  readonly unix?: string;
}

/**
 * Connects. Uses the package `ws` and not the runtime's WebSocket, which hides the answer of a server that refuses and lets every
 * message above a kilobyte wait for TCP's delayed acknowledgement (45 ms, measured on Deno 2.9.6).
 *
 * @throws {DialError} With the server's answer when there was one.
 */
export async function dialWebSocket(options: WebSocketDialOptions): Promise<ByteStream> {
  const { url, clock, signal } = options;
  const place = (options.unix ?? url.origin) + url.pathname;
  try {
    return await new Deadline(clock, HANDSHAKE_MS).run(
      "the WebSocket handshake",
      (ends) => open(options, ends),
      signal && { signal, graceMs: 0 },
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof Refused)) {
      throw new DialError(`Cannot connect to ${place}: ${messageOf(error)}`, undefined, { cause: error });
    }
    const { refusal } = error;
    const said = [refusal.message, refusal.detail].filter((part) => part).join(": ");
    throw new DialError(`Cannot connect to ${place}: it answers ${refusal.status}${said && ` (${said})`}`, refusal);
  }
}

/** Carries a server's answer out of the events it arrives in. */
class Refused extends Error {
  constructor(readonly refusal: DialRefusal) {
    super("The server did not upgrade");
  }
}

async function open({ url, headers, unix }: WebSocketDialOptions, signal: AbortSignal): Promise<ByteStream> {
  const address = new URL(url);
  address.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const WebSocket = await loadWebSocket();
  signal.throwIfAborted();
  const socket = new WebSocket(address, {
    headers,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_MESSAGE_BYTES,
    ...(unix !== undefined && { createConnection: () => connect(unix) }),
  });
  const opened = Promise.withResolvers<ByteStream>();
  // Wrapped within the event: messages may follow in the same turn.
  socket.on("open", () => opened.resolve(clientWebSocketStream(socket)));
  socket.on("error", opened.reject);
  socket.on("unexpected-response", (request, response) => {
    readRefusal(response).then((refusal) => opened.reject(new Refused(refusal)), opened.reject).finally(() =>
      request.destroy()
    );
  });
  const giveUp = () => socket.terminate();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await opened.promise;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function readRefusal(response: UpgradeRefusal): Promise<DialRefusal> {
  const status = response.statusCode;
  const text = await readLimited(response);
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null) return { status };
    const { message, detail, validations } = body as Record<string, unknown>;
    return {
      status,
      ...(typeof message === "string" ? { message } : {}),
      ...(typeof detail === "string" ? { detail } : {}),
      ...(Array.isArray(validations) ? { validations: validations.filter(isValidation) } : {}),
    };
  } catch {
    return { status }; // No JSON: the status says it all.
  }
}

async function readLimited(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.length;
    if (bytes > MAX_REFUSAL_BYTES) break;
  }
  return text;
}

function isValidation(value: unknown): value is Validation {
  return typeof value === "object" && value !== null && typeof (value as Validation).field === "string";
}
