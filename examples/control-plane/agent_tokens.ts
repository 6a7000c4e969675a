/**
 * Who asks: agents prove themselves with the token of the file, wherever in the request the reference would look for it.
 *
 * @module
 */
import { hash } from "node:crypto";

import { HttpProblem } from "../../core/errors.ts";
import type { AgentDefinition } from "./agents_file.ts";
import { isUuid } from "./uuid.ts";

/** Name of the token where it is a cookie or a query parameter. */
const TOKEN_NAME = "coder_session_token";

/** Finds agents by their tokens. */
export class AgentTokens {
  /** Agents by the digest of their token: looking one up takes no longer for a token that is nearly right. */
  readonly #agents: ReadonlyMap<string, AgentDefinition>;

  constructor(agents: readonly AgentDefinition[]) {
    this.#agents = new Map(agents.map((agent) => [digestOf(agent.token), agent]));
  }

  /**
   * The agent that sends `request`.
   *
   * @throws {HttpProblem} 401 when there is no token, or none of ours.
   */
  agentOf({ headers, url }: Pick<Request, "headers" | "url">): AgentDefinition {
    const token = tokenOf(headers, new URL(url).searchParams);
    if (token === "") throw new HttpProblem(401, "The agent token is missing");
    if (!isUuid(token)) throw new HttpProblem(401, "The agent token is not a UUID");
    const agent = this.#agents.get(digestOf(token.toLowerCase()));
    if (agent === undefined) throw new HttpProblem(401, "The agent token is unknown");
    return agent;
  }
}

/** The first token found, in the order the reference looks. */
function tokenOf(headers: Headers, query: URLSearchParams): string {
  return cookieOf(headers.get("cookie") ?? "") || query.get(TOKEN_NAME) || headers.get("coder-session-token") ||
    /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1] || query.get("access_token") || "";
}

function cookieOf(cookies: string): string {
  for (const cookie of cookies.split(";")) {
    const [name, value] = cookie.trim().split("=", 2);
    if (name === TOKEN_NAME && value) return value;
  }
  return "";
}

function digestOf(token: string): string {
  return hash("sha256", token);
}
