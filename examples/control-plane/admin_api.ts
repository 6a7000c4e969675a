/**
 * What people and programs ask the control plane over HTTP.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { z } from "zod";

import { HttpProblem } from "../../core/errors.ts";
import type { Auth } from "../../core/http/auth.ts";
import { json, readJson } from "../../core/http/json.ts";
import { readQuery } from "../../core/http/query.ts";
import type { Clock } from "../../core/plugin.ts";
import type { AdminEnv } from "./admin_env.ts";
import { type AgentFacts, detailsOf, summaryOf } from "./agent_views.ts";
import type { AgentDefinition } from "./agents_file.ts";
import { changeEvents } from "./change_events.ts";
import type { Changes } from "./changes.ts";
import { chatApi } from "./chats/chat_api.ts";
import { CHAT_PAGE, CHAT_PAGE_POLICY } from "./chats/chat_page.ts";
import type { OpenedChats } from "./chats/open_chats.ts";
import type { ExternalAuth } from "./external_auth.ts";
import { LIVE_PAGE, LIVE_PAGE_POLICY } from "./live_page.ts";
import { forward } from "./proxy.ts";
import { carrySsh } from "./ssh_route.ts";
import { nowText } from "./timestamps.ts";
import type { Tunnels } from "./tunnels.ts";
import type { Workspaces } from "./workspaces.ts";

/** Entries in one answer when the request does not say. */
const DEFAULT_LIMIT = 200;
/** Most entries in one answer. */
const MAX_LIMIT = 1000;

/** What {@linkcode adminApi} works with. */
export interface AdminApiOptions extends AgentFacts {
  readonly agents: readonly AgentDefinition[];
  readonly changes: Changes;
  readonly auth: Auth;
  readonly tunnels: Tunnels;
  readonly chats: OpenedChats;
  readonly clock: Clock;
  readonly workspaces: Workspaces;
  readonly externalAuth: ExternalAuth;
}

/** Makes the routes. Requests have been let in already. */
export function adminApi(options: AdminApiOptions): Hono<{ Bindings: AdminEnv }> {
  const { agents, store, auth, workspaces, externalAuth } = options;
  const app = new Hono<{ Bindings: AdminEnv }>();
  const find = (c: Context) => {
    const wanted = c.req.param("id") ?? "";
    const agent = agents.find(({ id, name }) => id === wanted.toLowerCase() || name === wanted);
    if (agent === undefined) {
      throw new HttpProblem(404, "No such agent", { detail: `no agent has the id or name "${wanted}"` });
    }
    return workspaces.present(agent);
  };
  const findProvider = (c: Context) => {
    const agent = find(c);
    const id = c.req.param("provider") ?? "";
    const provider = externalAuth.find(agent, { id });
    if (provider === undefined) {
      throw new HttpProblem(404, "No such provider", { detail: `agent "${agent.name}" has no externalAuth "${id}"` });
    }
    return { agent, provider };
  };

  app.get("/healthz", (c) => json(c, { status: "ok" }));
  app.get("/", (c) => c.html(LIVE_PAGE, 200, { "content-security-policy": LIVE_PAGE_POLICY }));
  app.get("/chats", (c) => c.html(CHAT_PAGE, 200, { "content-security-policy": CHAT_PAGE_POLICY }));
  app.get(
    "/api/agents",
    (c) => json(c, { agents: agents.map((agent) => summaryOf(workspaces.present(agent), options)) }),
  );
  app.get("/api/agents/:id", (c) => json(c, detailsOf(find(c), options)));
  app.get("/api/agents/:id/logs", (c) => {
    const agent = find(c);
    const logs = store.logs(agent.id, pageOf(readQuery(c, PAGE)));
    return json(c, {
      logs: logs.map(({ id, sourceId, level, output, reportedAt, createdAt }) => ({
        ...{ id, source_id: sourceId, level, output, reported_at: reportedAt, created_at: createdAt },
      })),
    });
  });
  app.get("/api/agents/:id/metrics", (c) => json(c, { metrics: store.latest(find(c).id, "stats")?.metrics ?? [] }));
  app.delete("/api/agents/:id/logs", (c) => {
    const agent = find(c);
    store.clearLogs(agent.id);
    options.changes.publish(agent.id, "logs");
    return c.body(null, 204);
  });
  app.get("/api/agents/:id/boundary", (c) => {
    const agent = find(c);
    const query = readQuery(c, BOUNDARY);
    const entries = store.boundary(agent.id, {
      ...(query.decision === "" ? {} : { decision: decisionOf(query.decision) }),
      ...(query.host === "" ? {} : { host: query.host.toLowerCase() }),
      ...(query.since === "" ? {} : { since: timeOf("since", query.since) }),
      ...(query.until === "" ? {} : { until: timeOf("until", query.until) }),
    }, pageOf(query));
    return json(c, {
      entries: entries.map(({ matchedRule, sessionId, sequenceNumber, ...entry }) => ({
        ...{ ...entry, matched_rule: matchedRule, session_id: sessionId, sequence_number: sequenceNumber },
      })),
    });
  });
  app.post("/api/agents/:id/claim", async (c) => {
    const agent = find(c);
    if (!agent.prebuilt) {
      throw new HttpProblem(409, "This workspace is not prebuilt", { detail: "set prebuilt in the file" });
    }
    const { owner, workspace } = await readJson(c, claim);
    const { ownerId } = workspaces.claim(agent, owner, workspace);
    options.changes.publish(agent.id, "claim");
    return json(c, { owner, owner_id: ownerId, workspace_id: agent.workspaceId });
  });
  app.put("/api/agents/:id/external-auth/:provider", async (c) => {
    const { agent, provider } = findProvider(c);
    externalAuth.set(agent, provider, (await readJson(c, givenToken)).token);
    return c.body(null, 204);
  });
  // Where agents send people who have to sign in. This control plane knows no providers, only tokens.
  app.get("/external-auth/:id/:provider", (c) => {
    const { agent, provider } = findProvider(c);
    const { origin } = new URL(c.req.url);
    return c.text(
      `Agent "${agent.name}" waits for a token of "${provider.id}". Give it one:\n\n` +
        `  curl -X PUT -H "Authorization: Bearer $ADMIN_TOKEN" -d '{"token":"…"}' ` +
        `${origin}/api/agents/${agent.name}/external-auth/${provider.id}\n`,
    );
  });
  app.all("/api/agents/:id/proxy/*", async (c) => {
    const agent = find(c);
    const { pathname, search } = new URL(c.req.url);
    // From the raw path: what is escaped stays escaped.
    const path = /^\/api\/agents\/[^/]+\/proxy(\/.*)$/.exec(pathname)?.[1] ?? "/";
    return await forward(c.req.raw, { client: await options.tunnels.client(agent.id), path: path + search });
  });
  app.route("/api/experimental/chats", chatApi(options.chats));
  app.get("/api/agents/:id/ssh", async (c) => {
    const agent = find(c);
    return await carrySsh(c.req.raw, { unix: await options.tunnels.socket(agent.id), clock: options.clock });
  });
  app.get(
    "/api/events",
    (c) => changeEvents(options.changes, "agent", AbortSignal.any([c.req.raw.signal, c.env.stopping])),
  );
  app.post("/api/auth/link", async (c) => {
    if (c.env.authority === "cookie") {
      throw new HttpProblem(401, "A browser session cannot make links", { detail: "use the admin token" });
    }
    const { url, expiresAt } = (await auth.sessions()).createLink(`http://${c.req.header("host")}`);
    return json(c, { url, expires_at: new Date(expiresAt).toISOString() });
  });
  app.get("/auth/:code", async (c) => {
    // HEAD reaches this handler too, and programs that preview links must not use them up.
    if (c.req.method !== "GET") return c.body(null, 204);
    const cookie = (await auth.sessions()).redeem(c.req.param("code"), c.req.header("host") ?? "");
    if (cookie === undefined) {
      throw new HttpProblem(410, "The link was used or has expired", {
        code: "not_found",
        detail: "POST /api/auth/link with the admin token makes a new one",
      });
    }
    return c.body(null, 303, { location: "/", "set-cookie": cookie, "cache-control": "no-store" });
  });
  app.notFound((c) => {
    throw new HttpProblem(404, "No such route", { detail: `${c.req.method} ${c.req.path}` });
  });
  app.onError((error) => {
    throw error;
  });
  return app;
}

const claim = z.strictObject({ owner: z.string().min(1), workspace: z.string().min(1).optional() });
const givenToken = z.strictObject({ token: z.string().min(1) });

const PAGE = {
  after: { type: "text", summary: "Only entries after this id." },
  limit: { type: "count", default: DEFAULT_LIMIT },
} as const;
const BOUNDARY = {
  ...PAGE,
  decision: { type: "text", summary: "allow or deny" },
  host: { type: "text", summary: "The host, or a domain above it." },
  since: { type: "text" },
  until: { type: "text" },
} as const;

function pageOf({ after, limit }: { readonly after: string; readonly limit: number }) {
  if (limit < 1 || limit > MAX_LIMIT) throw invalid("limit", `is ${limit}: expected 1 to ${MAX_LIMIT}`);
  if (!/^\d{0,15}$/.test(after)) throw invalid("after", `is "${after}": expected the id of an entry`);
  return { limit, ...(after === "" ? {} : { after: Number(after) }) };
}

function decisionOf(text: string): "allow" | "deny" {
  if (text === "allow" || text === "deny") return text;
  throw invalid("decision", `is "${text}": expected allow or deny`);
}

function timeOf(field: string, text: string): string {
  const ms = /^\d{4}-\d\d-\d\d(?:T|$)/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw invalid(field, `is "${text}": expected a time such as 2026-01-31T12:00:00Z`);
  return nowText(ms);
}

function invalid(field: string, detail: string): HttpProblem {
  return new HttpProblem(400, "Query parameters have invalid values", {
    code: "validation_failed",
    validations: [{ field, detail: `"${field}" ${detail}` }],
  });
}
