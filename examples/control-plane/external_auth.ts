/**
 * Tokens for git servers, by agent: from the file, or given later by whoever looks after the workspace.
 *
 * @module
 */
import { LatestValue } from "../../core/latest_value.ts";
import type { AgentDefinition, ExternalAuthDefinition } from "./agents_file.ts";

/** User name that goes with a token, by kind of provider; every other kind takes the token itself as the user name. */
const USER_NAMES: Readonly<Record<string, string>> = {
  "gitlab": "oauth2",
  "bitbucket-cloud": "x-token-auth",
  "bitbucket-server": "x-token-auth",
};

/** What an agent is told. */
export interface Credentials {
  readonly access_token: string;
  readonly type: string;
  readonly username: string;
  readonly password: string;
  readonly url: string;
}

/** Knows the tokens; those that were given later are forgotten with the process. */
export class ExternalAuth {
  readonly #tokens = new Map<string, LatestValue<string>>();

  /** The provider with this id, or the one whose rule matches the address; the last one wins. */
  find(agent: AgentDefinition, wanted: { readonly id: string } | { readonly match: string }) {
    return agent.externalAuth.findLast((provider) =>
      "id" in wanted ? provider.id === wanted.id : new RegExp(provider.match).test(wanted.match)
    );
  }

  /** Credentials as they are, or where a person has to go. */
  now(agent: AgentDefinition, provider: ExternalAuthDefinition, origin: string): Credentials {
    const token = this.#tokenOf(agent, provider).current;
    if (token !== undefined) return credentials(provider.type, token);
    const url = `${origin}/external-auth/${agent.name}/${provider.id}`;
    return { ...{ access_token: "", type: provider.type, username: "", password: "" }, url };
  }

  /** The same, once there is a token. Ends without one when `signal` aborts. */
  async later(
    agent: AgentDefinition,
    provider: ExternalAuthDefinition,
    signal: AbortSignal,
  ): Promise<Credentials | undefined> {
    for await (const token of this.#tokenOf(agent, provider).watch(signal)) return credentials(provider.type, token);
    return undefined;
  }

  /** Gives the workspace a token. */
  set(agent: AgentDefinition, provider: ExternalAuthDefinition, token: string): void {
    this.#tokenOf(agent, provider).set(token);
  }

  #tokenOf(agent: AgentDefinition, provider: ExternalAuthDefinition): LatestValue<string> {
    const key = `${agent.id} ${provider.id}`;
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    const fresh = new LatestValue<string>();
    if (provider.token !== "") fresh.set(provider.token);
    this.#tokens.set(key, fresh);
    return fresh;
  }
}

function credentials(type: string, token: string): Credentials {
  const username = USER_NAMES[type];
  const rest = username === undefined ? { username: token, password: "" } : { username, password: token };
  return { access_token: token, type, ...rest, url: "" };
}
