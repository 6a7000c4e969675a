/**
 * Who may ask: the owner of the Unix socket, the control plane, the holder of the token, or a browser with a session.
 *
 * @module
 */
import type { Clock } from "../plugin.ts";
import { HttpProblem } from "../errors.ts";
import type { BrowserSessions } from "./browser_session.ts";
import { isSameHost } from "./host_check.ts";
import { TokenCheck } from "./token.ts";

/** How a request proved itself. */
export type Authority = "socket" | "tunnel" | "token" | "cookie";

const BEARER = /^bearer +(\S+)$/i;
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Checks requests of one server. */
export class Auth {
  readonly #token: TokenCheck;
  readonly #clock: Pick<Clock, "now" | "elapsed">;
  #sessions: BrowserSessions | undefined;

  constructor(token: string, clock: Pick<Clock, "now" | "elapsed">) {
    this.#token = new TokenCheck(token);
    this.#clock = clock;
  }

  /** Links and sessions of browsers. Most agents never see one, so their code is loaded when the first is asked for. */
  async sessions(): Promise<BrowserSessions> {
    const { BrowserSessions } = await import("./browser_session.ts");
    return this.#sessions ??= new BrowserSessions(this.#clock);
  }

  /**
   * Finds out how a request over TCP proves itself. A cookie goes along with requests a foreign page causes, so whatever may
   * change something, and every WebSocket, must name its own page as `Origin`.
   *
   * @throws {HttpProblem} 401 without valid proof; 403 with a cookie and no `Origin` where one is needed.
   */
  check(request: Request): Authority {
    const { headers } = request;
    const given = headers.get("authorization");
    if (given !== null) {
      const token = BEARER.exec(given)?.[1];
      if (token !== undefined && this.#token.accepts(token)) return "token";
      throw unauthorized();
    }
    const cookies = headers.get("cookie");
    const host = headers.get("host") ?? "";
    if (cookies === null || !this.#sessions?.accepts(cookies, host)) throw unauthorized();
    const needsOrigin = !SAFE_METHODS.has(request.method) || headers.has("upgrade");
    if (!needsOrigin || isSameHost(headers.get("origin") ?? "", host)) return "cookie";
    throw new HttpProblem(403, "Origin is missing", {
      code: "forbidden_origin",
      detail: "a request with the session cookie must name its own page as Origin",
    });
  }
}

function unauthorized(): HttpProblem {
  return new HttpProblem(401, "The API token is missing or wrong", {
    detail: 'send "Authorization: Bearer <token>"; for a browser, run "outpost open"',
    headers: { "www-authenticate": "Bearer" },
  });
}
