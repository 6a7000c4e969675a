/**
 * What the control plane knows for git, passed on to the processes of the workspace: the agent's token stays here.
 *
 * @module
 */
import type { Context } from "hono";
import type { z } from "zod";

import { HttpProblem, messageOf, RpcUnavailableError } from "../../core/errors.ts";
import { readQuery } from "../../core/http/query.ts";
import type { Routes, Rpc } from "../../core/plugin.ts";
import { EXTERNAL_AUTH_QUERY, externalAuth, gitSshKey } from "./api.ts";

/** Where the control plane answers agents. */
const ME = "/api/v2/workspaceagents/me";
/** Time for an answer nobody has to sign in for, in milliseconds. */
const ANSWER_MS = 30_000;

/** What the routes need. */
export interface GitRoutesOptions {
  readonly rpc: Pick<Rpc, "fetch">;
  /** Ends everything: the plugin stops. */
  readonly signal: AbortSignal;
  /** Ends what waits for a person: the agent is about to stop. */
  readonly stopping: AbortSignal;
}

/** Adds the routes. */
export function addGitRoutes(routes: Routes, { rpc, signal, stopping }: GitRoutesOptions): void {
  /** Asks the control plane for as long as somebody here waits for the answer. */
  async function ask<T>(c: Context, path: string, schema: z.ZodType<T>, mayTakeLong = false): Promise<T> {
    const limit = mayTakeLong ? stopping : AbortSignal.timeout(ANSWER_MS);
    const response = await reach(rpc, path, AbortSignal.any([c.req.raw.signal, signal, limit]));
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.status !== 200) throw refusalOf(response.status, answer);
    const { data, success } = schema.safeParse(answer);
    if (success) return data;
    throw new HttpProblem(502, "The control plane's answer cannot be understood", { code: "controlplane_refused" });
  }

  // Stop scripts push what is not pushed yet.
  routes.limit("/git-ssh-key", { whileDraining: true });
  routes.limit("/external-auth", { whileDraining: true, handlerMs: Infinity });
  routes.app.get("/git-ssh-key", async (c) => c.json(await ask(c, `${ME}/gitsshkey`, gitSshKey)));
  routes.app.get("/external-auth", async (c) => {
    const { match, id, listen, chat_id } = readQuery(c, EXTERNAL_AUTH_QUERY);
    if ((match === "") === (id === "")) {
      throw new HttpProblem(400, "Exactly one of match and id has to be given");
    }
    const query = new URLSearchParams({ id, match });
    if (listen) query.set("listen", "true");
    if (chat_id !== "") query.set("chat_id", chat_id);
    return c.json(await ask(c, `${ME}/external-auth?${query}`, externalAuth, listen));
  });
}

async function reach(rpc: Pick<Rpc, "fetch">, path: string, signal: AbortSignal): Promise<Response> {
  try {
    return await rpc.fetch(path, { signal });
  } catch (error) {
    const isAway = error instanceof RpcUnavailableError;
    throw new HttpProblem(503, "The control plane does not answer", {
      code: "controlplane_unavailable",
      detail: isAway && error.reason === "not_configured" ? "no control plane is configured" : messageOf(error),
      cause: error,
    });
  }
}

/** 404 means that there is no such thing; every other refusal is the control plane's own affair. */
function refusalOf(status: number, answer: unknown): HttpProblem {
  const { message, detail } = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  return new HttpProblem(
    status === 404 ? 404 : 502,
    typeof message === "string" ? message : `The control plane answers ${status}`,
    { code: "controlplane_refused", ...(typeof detail === "string" && detail !== "" ? { detail } : {}) },
  );
}
