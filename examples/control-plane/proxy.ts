/**
 * Hands requests on to an agent's HTTP API.
 *
 * @module
 */
import { systemClock } from "../../core/clock.ts";
import { Deadline } from "../../core/deadline.ts";
import { HttpProblem, messageOf } from "../../core/errors.ts";

/** The agent answers to any name; this one says in its log whose request it was. */
const AGENT_HOST = "agent.internal";
/** A WebSocket whose browser does not answer a ping within this time is closed, in seconds. Deno pings after the half of it. */
const HEARTBEAT_SECONDS = 30;
/** Time for the agent to accept a WebSocket, in milliseconds. */
const OPEN_MS = 30_000;
/** Bytes one side may be behind before the WebSocket is given up: neither side can be made to wait. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;
/** Code for a side that is too slow. */
const TOO_SLOW = 4009;

/** Headers that belong to one connection (RFC 9110, 7.6.1), or to the control plane and not to its agents. */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"],
  ...["upgrade", "host", "origin", "cookie", "authorization", "accept-encoding", "content-length"],
]);
/** Headers of answers that are about the connection to the agent, or would act in the control plane's name. */
const NOT_RETURNED: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "transfer-encoding", "trailer", "upgrade", "content-encoding", "content-length"],
  ...["set-cookie", "clear-site-data"],
]);

/** Whatever an agent serves is shown in a browser without running scripts in the control plane's name. */
const SANDBOX = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'";

/** Where a request goes. */
export interface ProxyTarget {
  readonly client: Deno.HttpClient;
  /** Path and query at the agent. */
  readonly path: string;
}

/**
 * Forwards a request, or a WebSocket, with its headers, those of the chat among them.
 *
 * @throws {HttpProblem} 502 when the agent does not answer.
 */
export async function forward(request: Request, target: ProxyTarget): Promise<Response> {
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") return await forwardWebSocket(request, target);
  const answer = await ask(request, target);
  const headers = new Headers(
    [...answer.headers].filter(([name]) => !NOT_RETURNED.has(name)).map(([name, value]) => [name, value]),
  );
  headers.set("content-security-policy", SANDBOX);
  headers.set("x-content-type-options", "nosniff");
  return new Response(answer.body, { status: answer.status, headers });
}

async function ask(request: Request, { client, path }: ProxyTarget): Promise<Response> {
  try {
    return await fetch(`http://${AGENT_HOST}${path}`, {
      method: request.method,
      headers: { ...forwarded(request.headers), "accept-encoding": "identity" },
      body: request.body,
      redirect: "manual",
      signal: request.signal,
      client,
    });
  } catch (error) {
    throw new HttpProblem(502, "The agent did not answer", { detail: messageOf(error), cause: error });
  }
}

function forwarded(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !NOT_FORWARDED.has(name) && !name.startsWith("sec-")));
}

/** The agent's side is opened first, so that its refusal is a plain answer. */
async function forwardWebSocket(request: Request, { client, path }: ProxyTarget): Promise<Response> {
  const far = new WebSocket(`ws://${AGENT_HOST}${path}`, { client, headers: forwarded(request.headers) });
  far.binaryType = "arraybuffer";
  // What the agent says before the other side is open.
  const early: (string | ArrayBuffer)[] = [];
  far.onmessage = ({ data }) => early.push(data);
  try {
    await new Deadline(systemClock, OPEN_MS).run("opening the agent's WebSocket", () => opened(far));
  } catch (error) {
    far.close();
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem(502, "The agent did not accept the WebSocket", { detail: messageOf(error), cause: error });
  }
  try {
    const { socket: near, response } = Deno.upgradeWebSocket(request, { idleTimeout: HEARTBEAT_SECONDS });
    near.binaryType = "arraybuffer";
    near.onopen = () => {
      for (const message of early.splice(0)) near.send(message);
      relay(far, near);
      // Its end may have come before anybody listened for it.
      if (far.readyState >= WebSocket.CLOSING) near.close();
    };
    relay(near, far);
    return response;
  } catch (error) {
    far.close();
    throw new HttpProblem(400, "Cannot accept the WebSocket", { detail: messageOf(error), cause: error });
  }
}

function opened(socket: WebSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.onopen = () => resolve();
  socket.onerror = (event) => {
    event.preventDefault();
    const detail = (event as ErrorEvent).message;
    reject(new HttpProblem(502, "The agent did not accept the WebSocket", detail ? { detail } : {}));
  };
  return promise;
}

/** Carries messages and the end of `from` to `to`. */
function relay(from: WebSocket, to: WebSocket): void {
  from.onmessage = ({ data }) => {
    if (to.readyState !== WebSocket.OPEN) return;
    to.send(data);
    if (to.bufferedAmount <= MAX_BEHIND_BYTES) return;
    to.close(TOO_SLOW, "too far behind");
    from.close(TOO_SLOW, "the other side is too far behind");
  };
  from.onclose = ({ code, reason }) => end(to, code, reason);
  // The end follows, and says as much.
  from.onerror = (event) => event.preventDefault();
}

/** Programs may send only these codes; the others are for the protocol itself. */
function end(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState >= WebSocket.CLOSING) return;
  if (code === 1000 || code >= 3000 && code <= 4999) socket.close(code, reason);
  else socket.close();
}
