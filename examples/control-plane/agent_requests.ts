/**
 * What agents ask over plain HTTP, beside their connection: the key and the passwords for git, and whether to begin anew.
 *
 * @module
 */
import { Hono } from "hono";

import { HttpProblem } from "../../core/errors.ts";
import { encodeJson, json } from "../../core/http/json.ts";
import { readQuery } from "../../core/http/query.ts";
import type { AgentTokens } from "./agent_tokens.ts";
import type { AgentDefinition } from "./agents_file.ts";
import type { Changes } from "./changes.ts";
import type { ExternalAuth } from "./external_auth.ts";
import type { Claim, Workspaces } from "./workspaces.ts";

/** Where agents ask. */
export const AGENT_PREFIX = "/api/v2/workspaceagents/me";
/** Time between two pings in a stream of events, in milliseconds: proxies cut what is silent for a minute. */
const PING_MS = 15_000;

/** What {@linkcode agentRequests} works with. */
export interface AgentRequestsOptions {
  readonly tokens: AgentTokens;
  readonly workspaces: Workspaces;
  readonly externalAuth: ExternalAuth;
  readonly changes: Changes;
  /** Aborted when the server stops: what waits ends. */
  readonly stopping: AbortSignal;
}

/** Makes the routes. */
export function agentRequests(options: AgentRequestsOptions): Hono {
  const { tokens, workspaces, externalAuth, changes, stopping } = options;
  const app = new Hono().basePath(AGENT_PREFIX);

  app.get("/gitsshkey", (c) => {
    const { gitSshKey, name } = tokens.agentOf(c.req.raw);
    if (gitSshKey === undefined) {
      throw new HttpProblem(404, "This workspace has no key for git", { detail: `agent "${name}" has no gitSshKey` });
    }
    return json(c, { public_key: gitSshKey.publicKey, private_key: gitSshKey.privateKey });
  });

  app.get("/external-auth", async (c) => {
    const agent = tokens.agentOf(c.req.raw);
    const { id, match, url, listen } = readQuery(c, EXTERNAL_AUTH);
    const address = match || url;
    if ((id === "") === (address === "")) throw new HttpProblem(400, "Exactly one of match and id has to be given");
    const provider = externalAuth.find(agent, id === "" ? { match: address } : { id });
    if (provider === undefined) throw new HttpProblem(404, `No provider for "${address || id}"`, known(agent));
    const now = externalAuth.now(agent, provider, new URL(c.req.url).origin);
    if (now.url === "" || listen === "") return json(c, now);
    changes.publish(agent.id, "waits for a token");
    const later = await externalAuth.later(agent, provider, AbortSignal.any([c.req.raw.signal, stopping]));
    if (later === undefined) throw new HttpProblem(503, "The control plane is stopping");
    return json(c, later);
  });

  app.get("/reinit", (c) => {
    const agent = tokens.agentOf(c.req.raw);
    if (!agent.prebuilt) {
      throw new HttpProblem(409, "This workspace is not prebuilt", { detail: "its agent never has to begin anew" });
    }
    const claims = (signal: AbortSignal) => workspaces.watch(agent, signal);
    return claimEvents(agent, claims, AbortSignal.any([c.req.raw.signal, stopping]));
  });

  app.notFound((c) => {
    throw new HttpProblem(404, "No such route", { detail: `${c.req.method} ${c.req.path}` });
  });
  app.onError((error) => {
    throw error;
  });
  return app;
}

const EXTERNAL_AUTH = {
  id: { type: "text" },
  match: { type: "text" },
  url: { type: "text", summary: "Old name of match." },
  listen: { type: "text", summary: "Any value: wait for a token." },
  git_branch: { type: "text" },
  git_remote_origin: { type: "text" },
  chat_id: { type: "text" },
} as const;

function known({ externalAuth }: AgentDefinition): { readonly detail: string } {
  const rules = externalAuth.map(({ id, match }) => `${id}: ${match}`);
  return { detail: rules.length === 0 ? "the agent has no externalAuth" : `known are ${rules.join(", ")}` };
}

/** Server-sent events: each claim, the present one first, and pings in between. */
function claimEvents(
  agent: AgentDefinition,
  claims: (signal: AbortSignal) => AsyncIterable<Claim>,
  signal: AbortSignal,
): Response {
  const left = new AbortController();
  const watching = claims(AbortSignal.any([signal, left.signal]))[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let ticking: ReturnType<typeof setInterval>;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const ping = () => controller.enqueue(encoder.encode("event: ping\n\n"));
      ping();
      ticking = setInterval(ping, PING_MS);
    },
    async pull(controller) {
      const { done, value } = await watching.next();
      if (done) {
        clearInterval(ticking);
        return controller.close();
      }
      const event = { workspace_id: agent.workspaceId, reason: "prebuild_claimed", owner_id: value.ownerId };
      controller.enqueue(encoder.encode(`event: data\ndata: ${encodeJson(event).trim()}\n\n`));
    },
    cancel() {
      clearInterval(ticking);
      left.abort();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}
