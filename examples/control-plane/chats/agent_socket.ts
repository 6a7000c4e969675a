/**
 * Joins a WebSocket of a chat's user with one at the chat's agent.
 *
 * @module
 */
import { systemClock } from "../../../core/clock.ts";
import { Deadline } from "../../../core/deadline.ts";
import { HttpProblem, messageOf } from "../../../core/errors.ts";
import { upgradeOnDeno } from "../../../core/http/deno_web_socket.ts";
import { Channel } from "../../../core/http/socket_channel.ts";
import type { SocketChannel } from "../../../core/plugin.ts";

/** The agent answers to any name. */
const AGENT_HOST = "agent.internal";
/** Time for the agent to accept, in milliseconds. */
const DIAL_MS = 30_000;
/** Ping after this time, and give up after the same time without an answer, in milliseconds. */
const HEARTBEAT_MS = 15_000;
/** Bytes either side may be behind before the WebSockets are given up: neither can be made to wait. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;

/** What {@linkcode relayToAgent} takes. */
export interface AgentSocketOptions {
  /** Leads to the agent. May take its time. */
  readonly http: () => Promise<Deno.HttpClient>;
  /** Path and query at the agent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What is opened, for errors: `git state`. */
  readonly what: string;
  /** Longest message of the user, in bytes. */
  readonly maxClientBytes: number;
  /** Longest message of the agent, in bytes. */
  readonly maxAgentBytes: number;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
}

/**
 * Opens the agent's side first, so that every refusal is a plain answer, and then accepts the user's. Messages go through as
 * they are; the end of either side ends the other.
 *
 * @throws {HttpProblem} 426 for a request that is no WebSocket; 500 when the agent cannot be dialled or refuses.
 */
export async function relayToAgent(request: Request, options: AgentSocketOptions): Promise<Response> {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new HttpProblem(426, "This route speaks WebSocket only", { headers: { upgrade: "websocket" } });
  }
  const far = await dial(options);
  const near: Channel = new Channel({
    clock: systemClock,
    maxMessageBytes: options.maxClientBytes,
    maxQueuedBytes: MAX_BEHIND_BYTES,
    stallMs: 2 * HEARTBEAT_MS,
    opened: () => void listen(far, near, options),
  });
  try {
    const limits = { heartbeatMs: HEARTBEAT_MS, maxMessageBytes: options.maxClientBytes };
    const response = upgradeOnDeno(request, limits, near);
    void join(far, near, options);
    return response;
  } catch (error) {
    far.socket.close();
    throw new HttpProblem(400, "Cannot accept the WebSocket", { detail: messageOf(error), cause: error });
  }
}

/** The agent's side; what it says is kept until somebody listens. */
interface FarSide {
  readonly socket: WebSocket;
  readonly early: (string | ArrayBuffer)[];
  readonly closed: Promise<CloseEvent>;
}

async function dial({ http, path, headers, what }: AgentSocketOptions): Promise<FarSide> {
  const deadline = new Deadline(systemClock, DIAL_MS);
  let client: Deno.HttpClient;
  try {
    client = await deadline.run("dialling the agent", http);
  } catch (error) {
    throw new HttpProblem(500, "Failed to dial the agent", { detail: wordsOf(error), cause: error });
  }
  const socket = new WebSocket(`ws://${AGENT_HOST}${path}`, { client, headers });
  socket.binaryType = "arraybuffer";
  const early: (string | ArrayBuffer)[] = [];
  socket.onmessage = ({ data }) => early.push(data);
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  try {
    await deadline.run(`opening the ${what}`, () => opened(socket, closed));
    return { socket, early, closed };
  } catch (error) {
    socket.close();
    throw new HttpProblem(500, `Failed to open the ${what} at the agent`, { detail: wordsOf(error), cause: error });
  }
}

function opened(socket: WebSocket, closed: Promise<CloseEvent>): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve();
    void closed.then(() => reject(new Error("the agent closed the connection")));
    socket.onerror = (event) => {
      // Later ones are followed by the end, which says as much.
      event.preventDefault();
      reject(new Error((event as ErrorEvent).message || "the agent did not accept it"));
    };
  });
}

/** Hands on what the agent says, and its end. Called when the user's side is open. */
async function listen({ socket, early, closed }: FarSide, near: Channel, options: AgentSocketOptions): Promise<void> {
  const receive = (data: string | ArrayBuffer) => {
    const message = typeof data === "string" ? data : new Uint8Array(data);
    if (lengthOf(message) > options.maxAgentBytes) return near.close(1009, "The agent's message is too long");
    near.send(message).catch(() => {
      // The channel has closed, which ends the other side.
    });
  };
  for (const data of early.splice(0)) receive(data);
  socket.onmessage = ({ data }) => receive(data);
  const { code, reason } = await closed;
  near.close(isSendable(code) ? code : 1001, reason);
}

/** Hands on what the user says, and ends the agent's side with the user's. */
async function join({ socket }: FarSide, near: Channel, { stopping }: AgentSocketOptions): Promise<void> {
  const stop = () => near.close(1001, "The control plane is being stopped");
  stopping.addEventListener("abort", stop, { once: true });
  if (stopping.aborted) stop();
  try {
    for await (const message of near as SocketChannel) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      socket.send(message as string | Uint8Array<ArrayBuffer>);
      if (socket.bufferedAmount > MAX_BEHIND_BYTES) near.close(1008, "The agent is too far behind");
    }
    await near.closed;
  } finally {
    stopping.removeEventListener("abort", stop);
    socket.close();
  }
}

/** Codes an endpoint may send (RFC 6455, 7.4); the others say that there was none, or how a connection broke. */
function isSendable(code: number): boolean {
  return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999;
}

function lengthOf(message: string | Uint8Array): number {
  if (typeof message !== "string") return message.length;
  return new TextEncoder().encode(message).length;
}

function wordsOf(error: unknown): string {
  return error instanceof HttpProblem ? `${error.message}: ${error.detail}` : messageOf(error);
}
