/**
 * Whose workspaces the agents are in. A prebuilt one belongs to nobody until it is claimed; its agent then begins anew.
 *
 * @module
 */
import { LatestValue } from "../../core/latest_value.ts";
import type { AgentDefinition } from "./agents_file.ts";
import { derivedUuid } from "./uuid.ts";

/** A person who has taken a prebuilt workspace. */
export interface Claim {
  readonly owner: string;
  readonly ownerId: string;
  /** New name of the workspace. */
  readonly workspace: string;
}

/** Claims so far; forgotten with the process. */
export class Workspaces {
  readonly #claims = new Map<string, LatestValue<Claim>>();

  /** The agent as it is to be told now. */
  present(agent: AgentDefinition): AgentDefinition {
    const claim = this.#claimOf(agent).current;
    return claim === undefined ? agent : { ...agent, owner: claim.owner, workspace: claim.workspace };
  }

  /** Gives the workspace of a prebuilt agent to `owner`. */
  claim(agent: AgentDefinition, owner: string, workspace: string = agent.workspace): Claim {
    const claim = { owner, ownerId: derivedUuid("user", owner), workspace };
    this.#claimOf(agent).set(claim);
    return claim;
  }

  /** Yields the claim that holds, if there is one, then every later one. */
  watch(agent: AgentDefinition, signal: AbortSignal): AsyncIterable<Claim> {
    return this.#claimOf(agent).watch(signal);
  }

  #claimOf({ id }: AgentDefinition): LatestValue<Claim> {
    const known = this.#claims.get(id);
    if (known !== undefined) return known;
    const fresh = new LatestValue<Claim>();
    this.#claims.set(id, fresh);
    return fresh;
  }
}
