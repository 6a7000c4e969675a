/**
 * Every client's session.
 *
 * @module
 */
import type { SessionEnd } from "./mcp_metrics.ts";
import { McpSession, type SessionOptions } from "./session.ts";

/** Names the session in requests, as the protocol says. */
const SESSION_HEADER = "mcp-session-id";

/** JSON-RPC codes of refusals, as the official SDK uses them. */
const NO_SESSION = -32001;
const REFUSED = -32000;

/** Sessions by id. Loading this module loads the SDK. */
export class McpSessions {
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, McpSession>();
  /** Requests that may begin a session: each holds a place. */
  #beginning = 0;
  #isClosed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Number of open sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Answers a request of the streamable HTTP transport: in its session, or as the beginning of a new one. */
  async handle(request: Request): Promise<Response> {
    const id = request.headers.get(SESSION_HEADER);
    if (id !== null) {
      const session = this.#sessions.get(id);
      return session === undefined ? refusal(404, NO_SESSION, "Session not found") : await session.handle(request);
    }
    this.#beginning++;
    let holdsPlace = true;
    const givePlace = () => {
      if (holdsPlace) this.#beginning--;
      holdsPlace = false;
    };
    try {
      if (this.#isClosed || !await this.#makeRoom()) return refusal(429, REFUSED, "Too many sessions");
      return await this.#begin(request, givePlace);
    } finally {
      givePlace();
    }
  }

  /** Closes what nobody has used for too long. */
  async closeIdle(): Promise<void> {
    for (const [id, session] of [...this.#sessions]) {
      if (session.idleMs() >= this.#options.config.idleMs) await this.#end(id, session, "idle");
    }
  }

  /** Closes every session, and refuses new ones. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#sessions].map(([id, session]) => this.#end(id, session, "stop")));
  }

  /** @param opened Called once the session counts as one. */
  async #begin(request: Request, opened: () => void): Promise<Response> {
    let id: string | undefined;
    const session: McpSession = new McpSession(this.#options, {
      opened: (given) => {
        id = given;
        this.#sessions.set(given, session);
        opened();
      },
      ending: () => this.#forget(id, "client"),
    });
    try {
      await session.start();
      return await session.handle(request);
    } finally {
      // The request did not begin a session: it was answered with what is wrong with it.
      if (id === undefined) await session.close();
      else if (this.#isClosed) await this.#end(id, session, "stop");
    }
  }

  /** Whether one more session may begin, with all that begin now. */
  async #makeRoom(): Promise<boolean> {
    if (this.#sessions.size + this.#beginning <= this.#options.config.maxSessions) return true;
    const [longest] = [...this.#sessions].toSorted(([, a], [, b]) => b.idleMs() - a.idleMs());
    if (longest === undefined || longest[1].idleMs() === 0) return false;
    await this.#end(...longest, "full");
    return true;
  }

  async #end(id: string, session: McpSession, reason: SessionEnd): Promise<void> {
    this.#forget(id, reason);
    await session.close();
  }

  #forget(id: string | undefined, reason: SessionEnd): void {
    if (id !== undefined && this.#sessions.delete(id)) this.#options.metrics.ended.inc({ reason });
  }
}

function refusal(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status });
}
