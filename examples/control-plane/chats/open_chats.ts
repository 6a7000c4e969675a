/**
 * How the parts of chats are put together.
 *
 * @module
 */
import type { Clock, Logger } from "../../../core/plugin.ts";
import type { WorkspaceApi } from "../../../plugins/mcp/tools/mod.ts";
import type { Chat, ChatStore } from "./chat_store.ts";
import { type ChatTool, sharedTools, type ToolCall } from "./chat_tools.ts";
import { ChatWorkspaces, type ChatWorkspacesOptions } from "./chat_workspaces.ts";
import { Chats } from "./chats.ts";
import { computerTool } from "./computer_tool.ts";
import type { Model } from "./model.ts";
import { agentClient, remoteWorkspace } from "./remote_workspace.ts";
import { openSqliteChatStore } from "./sqlite_chat_store.ts";
import { desktopAgentsOf, subAgentsOf } from "./sub_agents.ts";

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
    const http = () => workspaces.client(chat);
    const others = { agents: subAgentsOf(chat, { chats, store }), desktopAgents: desktopAgentsOf(chat, chats) };
    const shared = sharedTools((call): WorkspaceApi => ({
      ...remoteWorkspace(http, { chat, toolUseId: call?.id }),
      ...others,
    }));
    if (chat.mode !== "computer_use") return shared;
    return [...shared, computerTool(({ id }: ToolCall) => agentClient(http, { chat, toolUseId: id }))];
  };
  const chats = new Chats({ store, models, toolsOf, systemOf, clock, log });
  return { chats, store, workspaces };
}

/** What a model that uses the desktop is told beside the rest. */
const DESKTOP_GUIDANCE = [
  "You also see and use the workspace's desktop with the tool computer. Begin with a screenshot. Do one thing at a time, " +
  "and look at the picture that comes back before you go on: when it does not show what you expected, find out why " +
  "instead of repeating it. Zoom in to read what is small. Click into the middle of what you mean.",
  "Start programs with execute in the background; they appear on the desktop, and wait until they are there. Durations " +
  "of the tool computer are in milliseconds. Prefer execute for what needs no window.",
  "A person may take the desktop over. Then your actions are refused: wait, take a screenshot, and decide anew.",
];

/** What the model is told before all else. */
function systemOf({ workspace, parentId, mode }: Chat): string {
  return [
    `You are a coding agent. Your tools work in the workspace "${
      workspace ?? "none"
    }" of your user, who watches what you do.`,
    "Look before you change something, check what you changed by running it, and say in few words what you did.",
    ...(mode === "computer_use" ? DESKTOP_GUIDANCE : []),
    ...(parentId === undefined ? [] : [
      "You work for another agent: what you say last is all it learns, so report what you found and did.",
    ]),
  ].join("\n");
}
