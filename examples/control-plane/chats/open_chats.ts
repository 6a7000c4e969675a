/**
 * How the parts of chats are put together.
 *
 * @module
 */
import type { Clock, Logger } from "../../../core/plugin.ts";
import type { WorkspaceApi } from "../../../plugins/mcp/tools/mod.ts";
import type { Chat, ChatStore } from "./chat_store.ts";
import { type ChatTool, sharedTools } from "./chat_tools.ts";
import { ChatWorkspaces, type ChatWorkspacesOptions } from "./chat_workspaces.ts";
import { Chats } from "./chats.ts";
import type { Model } from "./model.ts";
import { remoteWorkspace } from "./remote_workspace.ts";
import { openSqliteChatStore } from "./sqlite_chat_store.ts";
import { subAgentsOf } from "./sub_agents.ts";

/** What {@linkcode openChats} takes. */
export interface OpenChatsOptions extends ChatWorkspacesOptions {
  /** Path of the database; `:memory:` forgets everything at the end. */
  readonly database: string;
  /** The first is the default. None: chats can be made and watched, and nothing can be said to them. */
  readonly models: readonly Model[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Everything about chats. Close the chats when the server stops, and dispose the store when nothing asks any more. */
export interface OpenedChats {
  readonly chats: Chats;
  readonly store: ChatStore;
  readonly workspaces: ChatWorkspaces;
}

/** Opens the chats of a database. @throws {Error} When it cannot be used. */
export function openChats(options: OpenChatsOptions): OpenedChats {
  const { models, clock, log } = options;
  const store = openSqliteChatStore(options.database);
  const workspaces = new ChatWorkspaces(options);
  const toolsOf = (chat: Chat, chats: Chats): readonly ChatTool[] => {
    const agents = subAgentsOf(chat, { chats, store });
    return sharedTools((call): WorkspaceApi => ({
      ...remoteWorkspace(() => workspaces.client(chat), { chat, toolUseId: call?.id }),
      agents,
    }));
  };
  const chats = new Chats({ store, models, toolsOf, systemOf, clock, log });
  return { chats, store, workspaces };
}

/** What the model is told before all else. */
function systemOf({ workspace, parentId }: Chat): string {
  return [
    `You are a coding agent. Your tools work in the workspace "${
      workspace ?? "none"
    }" of your user, who watches what you do.`,
    "Look before you change something, check what you changed by running it, and say in few words what you did.",
    ...(parentId === undefined ? [] : [
      "You work for another agent: what you say last is all it learns, so report what you found and did.",
    ]),
  ].join("\n");
}
