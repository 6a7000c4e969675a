/**
 * How a browser gets in: a one-time link is exchanged for a cookie.
 *
 * @module
 */
import { hash } from "node:crypto";

import { elapsedOn } from "../clock.ts";
import type { Clock } from "../plugin.ts";
import { randomToken } from "./token.ts";

/** Time to follow a link, in milliseconds: long enough to click, too short to be found later in a terminal's history. */
const LINK_MS = 2 * 60_000;
/** Life of a session, in milliseconds: a working day. */
const SESSION_MS = 12 * 60 * 60_000;
/** Most links and most sessions alive at once; the oldest goes. */
const MAX_ENTRIES = 64;

/** A link that works once. */
export interface BrowserLink {
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Links and sessions of one server. Only digests are kept, so that looking one up tells nothing about the others. */
export class BrowserSessions {
  readonly #clock: Pick<Clock, "now" | "elapsed">;
  /** When each ends, by {@linkcode elapsedOn}: a clock that is set neither locks anybody out nor lets anybody stay. */
  readonly #links = new Map<string, number>();
  readonly #sessions = new Map<string, number>();

  constructor(clock: Pick<Clock, "now" | "elapsed">) {
    this.#clock = clock;
  }

  /** @param base The server as the browser reaches it, such as `http://127.0.0.1:4000`. */
  createLink(base: string): BrowserLink {
    const code = randomToken();
    remember(this.#links, code, elapsedOn(this.#clock) + LINK_MS);
    return { url: new URL(`/auth/${code}`, base).href, expiresAt: this.#clock.now() + LINK_MS };
  }

  /** Uses up a link's code. Returns the `Set-Cookie` value of a new session, or `undefined` when the code is not valid. */
  redeem(code: string, host: string): string | undefined {
    const digest = digestOf(code);
    const endsAt = this.#links.get(digest);
    this.#links.delete(digest);
    if (endsAt === undefined || endsAt <= elapsedOn(this.#clock)) return undefined;
    const session = randomToken();
    remember(this.#sessions, session, elapsedOn(this.#clock) + SESSION_MS);
    return `${cookieName(host)}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1000}`;
  }

  /** Whether a request's `Cookie` header holds a live session. */
  accepts(cookies: string, host: string): boolean {
    const name = cookieName(host);
    for (const cookie of cookies.split(";")) {
      const [key, value] = cookie.trim().split("=", 2);
      if (key !== name || !value) continue;
      const endsAt = this.#sessions.get(digestOf(value));
      if (endsAt !== undefined && endsAt > elapsedOn(this.#clock)) return true;
    }
    return false;
  }
}

/** What a secret is stored and looked up as. */
function digestOf(secret: string): string {
  return hash("sha256", secret);
}

/** Cookies are shared by all ports of a host; the name keeps the agents of one machine apart. */
function cookieName(host: string): string {
  return `outpost_session_${/:(\d+)$/.exec(host)?.[1] ?? "default"}`;
}

function remember(entries: Map<string, number>, secret: string, endsAt: number): void {
  if (entries.size >= MAX_ENTRIES) entries.delete(entries.keys().next().value!);
  entries.set(digestOf(secret), endsAt);
}
