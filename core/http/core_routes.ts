/**
 * The routes of the agent itself.
 *
 * @module
 */
import type { Context } from "hono";

import { HttpProblem } from "../errors.ts";
import { LOG_LEVELS, type LogLevel } from "../log.ts";
import type { Awaitable } from "../plugin.ts";
import type { LogQuery, RecentLog } from "../recent_log.ts";
import type { Auth } from "./auth.ts";
import type { Exchange } from "./exchange.ts";
import type { GreetedPlugin } from "./greeting_page.ts";
import { json } from "./json.ts";
import type { ReloadReport } from "../reload/reload_report.ts";
import type { MountedRoutes } from "./plugin_routes.ts";
import { type QuerySpec, readQuery } from "./query.ts";

/** What the agent says about itself; the front asks at each request. */
export interface CoreAnswers {
  /** One sentence, such as `Outpost 0.1.0 is running`. */
  greeting(): string;
  /** Plugins for the page that browsers get at `/`. */
  plugins(): readonly GreetedPlugin[];
  /** Body of `/healthz`: alive, whatever plugins do. */
  health(): Awaitable<unknown>;
  /** Body of `/readyz`; not ready answers 503. */
  readiness(): Awaitable<{ readonly ready: boolean; readonly body: unknown }>;
  /** Text exposition for scrapers. */
  metrics(): Awaitable<{ readonly contentType: string; readonly text: string }>;
  /** Body of `/api/v0/info`. */
  info(): Awaitable<unknown>;
  /** Body of `/api/v0/status`. */
  status(): Awaitable<unknown>;
  /** Lines of the log, each a JSON object and a line feed. */
  readonly recentLog: RecentLog;
  /** Body of `/api/v0/openapi.json`. */
  document(): Awaitable<unknown>;
  /** Reads the configuration again and goes to it. */
  reload(force: boolean): Promise<ReloadReport>;
}

/** First segments under `/api/v0` that no plugin may claim. */
export const RESERVED_SEGMENTS: readonly string[] = ["info", "status", "logs", "auth", "openapi.json", "reload"];

/** Whether a path proves itself, or needs no proof. */
export function isOpenPath(path: string): boolean {
  return path === "/healthz" || path.startsWith("/auth/");
}

/** Registers the core's routes. `baseUrl` says where a browser reaches this server, when it listens on TCP. */
export function addCoreRoutes(
  routes: MountedRoutes,
  answers: CoreAnswers,
  auth: Auth,
  baseUrl: () => string | undefined,
): void {
  const { app } = routes;
  // It takes as long as the plugins take to stop and to start, each within its own deadlines.
  routes.limit("/api/v0/reload", { handlerMs: Infinity });
  app.get("/", async (c) => {
    if (c.req.header("accept")?.includes("text/html")) {
      const { greetingPage } = await import("./greeting_page.ts");
      return c.html(greetingPage(answers.greeting(), answers.plugins()), 200, {
        "content-security-policy": PAGE_POLICY,
      });
    }
    return json(c, { message: answers.greeting() });
  });
  app.get("/healthz", async (c) => json(c, await answers.health()));
  app.get("/readyz", async (c) => {
    const { ready, body } = await answers.readiness();
    return json(c, body, ready ? 200 : 503);
  });
  for (const path of ["/metrics", "/debug/prometheus"]) {
    app.get(path, async (c) => {
      const { contentType, text } = await answers.metrics();
      return c.body(text, 200, { "content-type": contentType });
    });
  }
  app.get("/api/v0/info", async (c) => json(c, await answers.info()));
  app.get("/api/v0/status", async (c) => json(c, await answers.status()));
  app.get("/api/v0/logs", (c) => answerLogs(c, answers.recentLog));
  app.get("/api/v0/openapi.json", async (c) => json(c, await answers.document()));
  app.post("/api/v0/reload", async (c) => {
    const { reloadAnswer } = await import("./reload_answer.ts");
    return json(c, await reloadAnswer(() => answers.reload(c.req.query("force") === "true")));
  });
  app.post("/api/v0/auth/link", async (c) => json(c, await createLink(c, auth, baseUrl())));
  app.get("/auth/:code", (c) => redeemLink(c, auth));
}

/** Query parameters of `/api/v0/logs`. */
export const LOGS_QUERY = {
  lines: { type: "count", default: 100, summary: "Latest lines that were written before." },
  level: {
    type: "text",
    default: "debug",
    pattern: "^(debug|info|warn|error)$",
    summary: "Lowest level that is wanted.",
  },
  source: { type: "text", summary: "`core` or a plugin's id. Default: all." },
  follow: { type: "switch", summary: "Goes on with lines as they are written." },
} as const satisfies QuerySpec;

function answerLogs(c: Context, recent: RecentLog): Response {
  const { lines, level, source, follow } = readQuery(c, LOGS_QUERY);
  if (!isLogLevel(level)) {
    const detail = `"${level}" is none of ${LOG_LEVELS.join(", ")}`;
    throw new HttpProblem(400, "Query parameters have invalid values", {
      code: "validation_failed",
      validations: [{ field: "level", detail }],
    });
  }
  const query = { lines, level, ...(source !== "" && { source }) };
  const headers = { "content-type": "application/x-ndjson", "cache-control": "no-store" };
  if (!follow) return c.body(recent.tail(query).join(""), 200, headers);
  return c.body(followedLines(recent, query, c.req.raw.signal), 200, headers);
}

function followedLines(
  recent: RecentLog,
  query: LogQuery,
  signal: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const unread = new AbortController();
  const lines = recent.follow(query, AbortSignal.any([signal, unread.signal]));
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await lines.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: () => unread.abort(),
  }, { highWaterMark: 0 });
}

function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

/** The page needs its own style and nothing else. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

async function createLink(
  c: Context,
  auth: Auth,
  baseUrl: string | undefined,
): Promise<{ url: string; expires_at: string }> {
  const exchange = c.env as Exchange;
  if (exchange.authority === "cookie") {
    throw new HttpProblem(401, "A browser session cannot make links", {
      detail: "use the API token or the Unix socket",
    });
  }
  const host = exchange.connection.transport === "tcp" ? c.req.header("host") : undefined;
  const base = host ? `http://${host}` : baseUrl;
  if (!base) {
    throw new HttpProblem(409, "The agent has no address a browser can open", {
      detail: "start it with --listen 127.0.0.1:0",
    });
  }
  const link = (await auth.sessions()).createLink(base);
  return { url: link.url, expires_at: new Date(link.expiresAt).toISOString() };
}

async function redeemLink(c: Context, auth: Auth): Promise<Response> {
  // HEAD reaches this handler too, and programs that preview links must not use them up.
  if (c.req.method !== "GET") return c.body(null, 204);
  const cookie = (await auth.sessions()).redeem(c.req.param("code") ?? "", c.req.header("host") ?? "");
  if (cookie === undefined) {
    throw new HttpProblem(410, "The link was used or has expired", {
      code: "not_found",
      detail: 'run "outpost open" for a new one',
    });
  }
  return c.body(null, 303, { location: "/", "set-cookie": cookie, "cache-control": "no-store" });
}
