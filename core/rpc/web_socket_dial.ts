/**
 * Opens the WebSocket to the control plane, and finds out why when that fails.
 *
 * @module
 */
import { Deadline } from "../deadline.ts";
import { messageOf, type Validation } from "../errors.ts";
import type { Clock } from "../plugin.ts";
import { DialError, type DialRefusal } from "./dial_error.ts";

/** Time for the handshake, and for asking why it failed, in milliseconds each. */
const HANDSHAKE_MS = 30_000;
/** Most bytes read of the answer that says why. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** What {@linkcode dialWebSocket} takes. */
export interface WebSocketDialOptions {
  /** `http:` or `https:`. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Connects. The interface of WebSockets hides what a server answers instead of upgrading, so after a failure the same address is
 * asked once more without the upgrade: version and token are checked before it.
 *
 * @throws {DialError} With the server's answer when there was one.
 */
export async function dialWebSocket(options: WebSocketDialOptions): Promise<WebSocket> {
  const { clock, signal } = options;
  try {
    return await new Deadline(clock, HANDSHAKE_MS).run(
      "the WebSocket handshake",
      (ends) => open(options, ends),
      signal,
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw await explain(options, error);
  }
}

function open({ url, headers }: WebSocketDialOptions, signal: AbortSignal): Promise<WebSocket> {
  const address = new URL(url);
  address.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address, { headers: { ...headers } });
  const opened = Promise.withResolvers<WebSocket>();
  let failure = "the connection was closed";
  socket.onopen = () => opened.resolve(socket);
  socket.onerror = (event) => {
    event.preventDefault();
    failure = (event as ErrorEvent).message || failure;
  };
  socket.onclose = () => opened.reject(new Error(failure));
  const giveUp = () => socket.close();
  signal.addEventListener("abort", giveUp, { once: true });
  return opened.promise.finally(() => signal.removeEventListener("abort", giveUp));
}

async function explain({ url, headers, clock, signal }: WebSocketDialOptions, error: unknown): Promise<DialError> {
  const place = url.origin + url.pathname;
  try {
    const refusal = await new Deadline(clock, HANDSHAKE_MS).run("the question why", async (ends) => {
      const response = await fetch(url, { headers: { ...headers }, redirect: "manual", signal: ends });
      return await readRefusal(response);
    }, signal);
    const said = [refusal.message, refusal.detail].filter((part) => part).join(": ");
    return new DialError(`Cannot connect to ${place}: it answers ${refusal.status}${said && ` (${said})`}`, refusal, {
      cause: error,
    });
  } catch {
    // The second question only explains: the failure of the first one is what counts.
    return new DialError(`Cannot connect to ${place}: ${messageOf(error)}`, undefined, { cause: error });
  }
}

async function readRefusal(response: Response): Promise<DialRefusal> {
  const text = await readLimited(response);
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null) return { status: response.status };
    const { message, detail, validations } = body as Record<string, unknown>;
    return {
      status: response.status,
      ...(typeof message === "string" ? { message } : {}),
      ...(typeof detail === "string" ? { detail } : {}),
      ...(Array.isArray(validations) ? { validations: validations.filter(isValidation) } : {}),
    };
  } catch {
    return { status: response.status }; // No JSON: the status says it all.
  }
}

async function readLimited(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.length;
    if (bytes > MAX_REFUSAL_BYTES) break;
  }
  return text;
}

function isValidation(value: unknown): value is Validation {
  return typeof value === "object" && value !== null && typeof (value as Validation).field === "string";
}
