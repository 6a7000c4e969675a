/**
 * Workspaces of chats: which there are, and which agent of one serves a chat.
 *
 * @module
 */
import { HttpProblem } from "../../../core/errors.ts";
import type { AgentDefinition } from "../agents_file.ts";
import type { Chat } from "./chat_store.ts";

/** What {@linkcode ChatWorkspaces} knows agents by. */
export interface ChatWorkspacesOptions {
  /** As they are now: a prebuilt one changes its workspace when it is claimed. */
  readonly agents: () => readonly AgentDefinition[];
  readonly isConnected: (agentId: string) => boolean;
  /** What to fetch with: every host leads to the agent. */
  readonly client: (agentId: string) => Promise<Deno.HttpClient>;
}

/** Which workspace and agent a new chat is for. */
export interface WantedWorkspace {
  /** `owner/workspace`. */
  readonly workspace?: string;
  /** Id or name of an agent. */
  readonly agent?: string;
}

/** The name of an agent's workspace. */
export function workspaceOf({ owner, workspace }: AgentDefinition): string {
  return `${owner}/${workspace}`;
}

/** Finds agents for chats. */
export class ChatWorkspaces {
  readonly #options: ChatWorkspacesOptions;

  constructor(options: ChatWorkspacesOptions) {
    this.#options = options;
  }

  /**
   * Workspace and agent of a new chat; neither when none is wanted.
   *
   * @throws {HttpProblem} 400 when there is no such workspace or agent.
   */
  find({ workspace, agent }: WantedWorkspace): { readonly workspace?: string; readonly agentId?: string } {
    const agents = this.#options.agents();
    if (agent !== undefined) {
      const found = agents.find(({ id, name }) => id === agent.toLowerCase() || name === agent);
      if (found === undefined) throw unknown("agent", agent);
      if (workspace !== undefined && workspace !== workspaceOf(found)) throw unknown("workspace", workspace);
      return { workspace: workspaceOf(found), agentId: found.id };
    }
    if (workspace !== undefined && !agents.some((agent) => workspaceOf(agent) === workspace)) {
      throw unknown("workspace", workspace);
    }
    return { workspace };
  }

  /**
   * The agent that serves a chat: the one it names, otherwise the first of its workspace.
   *
   * @throws {HttpProblem} 400 when there is none, or it is not connected.
   */
  agentOf({ workspace, agentId }: Chat): AgentDefinition {
    if (workspace === undefined) {
      throw new HttpProblem(400, "Chat has no workspace", {
        detail: "name a workspace or an agent when you make a chat",
      });
    }
    const agents = this.#options.agents().filter((agent) => workspaceOf(agent) === workspace);
    const agent = agents.find(({ id }) => id === agentId) ?? agents[0];
    if (agent === undefined) {
      throw new HttpProblem(400, "Chat workspace has no agents", {
        detail: `no agent of the file belongs to "${workspace}"`,
      });
    }
    if (this.#options.isConnected(agent.id)) return agent;
    throw new HttpProblem(400, `Agent state is "disconnected", it must be "connected"`, {
      detail: `start the agent "${agent.name}" of workspace "${workspace}"`,
    });
  }

  /**
   * A way to the chat's agent.
   *
   * @throws {HttpProblem} 400 as {@linkcode agentOf}; 503 when the agent lets nobody in.
   */
  async client(chat: Chat): Promise<Deno.HttpClient> {
    return await this.#options.client(this.agentOf(chat).id);
  }
}

function unknown(field: string, value: string): HttpProblem {
  return new HttpProblem(400, "Validation failed", {
    code: "validation_failed",
    validations: [{ field, detail: `there is no ${field} "${value}"` }],
  });
}
