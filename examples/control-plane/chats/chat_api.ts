/**
 * Chats over HTTP.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { z } from "zod";

import { json, readJson } from "../../../core/http/json.ts";
import { type QuerySpec, readQuery } from "../../../core/http/query.ts";
import type { AdminEnv } from "../admin_env.ts";
import { changeEvents } from "../change_events.ts";
import { type AgentSocketOptions, relayToAgent } from "./agent_socket.ts";
import { chatHeaders } from "./chat_headers.ts";
import type { Chat, ChatStore } from "./chat_store.ts";
import { chatStream } from "./chat_stream.ts";
import { chatView, messageView, queuedView } from "./chat_views.ts";
import type { ChatWorkspaces } from "./chat_workspaces.ts";
import type { Chats } from "./chats.ts";

/** Longest text of a user, in characters: a model reads no more at once. */
const MAX_TEXT = 1_000_000;
const MAX_TITLE = 200;
/** Chats in one answer when the request does not say. */
const DEFAULT_LIMIT = 200;
/** Longest message of the user of a git watch, in bytes; it only asks for a refresh. */
const MAX_REFRESH_BYTES = 32 * 1024;
/** Longest message of the agent of a git watch, in bytes: what agents promise. */
const MAX_GIT_BYTES = 4 * 1024 * 1024;

/** Longest message of a viewer of the desktop, in bytes: more than a clipboard that the agent takes. */
const MAX_VIEWER_BYTES = 2 * 1024 * 1024;
/** Longest message of the agent to a viewer, in bytes: it sends what it reads at once, 64 KiB. */
const MAX_SCREEN_BYTES = 1024 * 1024;

/** What {@linkcode chatApi} works with. */
export interface ChatApiOptions {
  readonly chats: Chats;
  readonly store: ChatStore;
  readonly workspaces: ChatWorkspaces;
}

const TEXT = z.string().max(MAX_TEXT);
const NEW_CHAT = z.strictObject({
  prompt: TEXT.optional(),
  title: z.string().max(MAX_TITLE).optional(),
  workspace: z.string().optional(),
  agent: z.string().optional(),
  model: z.string().optional(),
  parent_chat_id: z.guid().optional(),
});
const NEW_MESSAGE = z.strictObject({
  text: TEXT.refine((text) => text.trim() !== "", "text is required"),
  interrupt: z.boolean().default(false),
});
const CHANGE = z.strictObject({ archived: z.boolean() });
const LIST: QuerySpec = {
  archived: { type: "switch", summary: "Archived ones instead of the others." },
  parent: { type: "text", summary: "Only children of this chat." },
  limit: { type: "count", default: DEFAULT_LIMIT },
};
const AFTER = { after: { type: "count", summary: "Only messages after this id." } } as const satisfies QuerySpec;

/** The routes below `/api/experimental/chats`. Requests have been let in already. */
export function chatApi({ chats, store, workspaces }: ChatApiOptions): Hono<{ Bindings: AdminEnv }> {
  const app = new Hono<{ Bindings: AdminEnv }>();
  const find = (c: Context): Chat => chats.chat(c.req.param("chat") ?? "");

  app.get("/", (c) => {
    const { archived, parent, limit } = readQuery(c, LIST);
    const filter = {
      isArchived: Boolean(archived),
      parentId: parent ? String(parent) : undefined,
      limit: Number(limit),
    };
    return json(c, { chats: store.chats(filter).map(chatView), models: chats.models });
  });
  app.post("/", async (c) => {
    const { prompt, title, model, parent_chat_id: parent, ...wanted } = await readJson(c, NEW_CHAT);
    const place = workspaces.find(wanted);
    const chat = chats.create({ prompt, title, model, ...place, parent: parent ? chats.chat(parent) : undefined });
    return json(c, chatView(chat), 201);
  });
  app.get("/events", (c) => {
    return changeEvents(chats.changes, "chat", AbortSignal.any([c.req.raw.signal, c.env.stopping]));
  });
  app.get("/:chat", (c) => {
    const chat = find(c);
    return json(c, { ...chatView(chat), children: store.chats({ parentId: chat.id }).map(chatView) });
  });
  app.patch("/:chat", async (c) => {
    const { id } = find(c);
    const { archived } = await readJson(c, CHANGE);
    return json(c, chatView(archived ? await chats.archive(id) : chats.unarchive(id)));
  });
  app.get("/:chat/messages", (c) => {
    const { id } = find(c);
    const { after } = readQuery(c, AFTER);
    return json(c, {
      messages: store.messages(id, after).map(messageView),
      queued: store.queued(id).map(queuedView),
    });
  });
  app.post("/:chat/messages", async (c) => {
    const { id } = find(c);
    const { text, interrupt } = await readJson(c, NEW_MESSAGE);
    return json(c, chatView(chats.say(id, text, { interrupt })), 202);
  });
  app.post("/:chat/interrupt", async (c) => json(c, chatView(await chats.interrupt(find(c).id))));
  app.get("/:chat/stream", (c) => {
    const chat = find(c);
    const { after } = readQuery(c, AFTER);
    const seen = Number(c.req.header("last-event-id") ?? "0") || 0;
    const signal = AbortSignal.any([c.req.raw.signal, c.env.stopping]);
    return chatStream(chat, { chats, store, after: Math.max(after, seen), signal });
  });
  for (const path of ["/:chat/git/watch", "/:chat/stream/git"]) {
    app.get(path, (c) => watchGit(find(c), c, workspaces));
  }
  for (const path of ["/:chat/desktop", "/:chat/stream/desktop"]) {
    app.get(path, (c) => showDesktop(find(c), c, workspaces));
  }
  return app;
}

/** The desktop of the chat's workspace: RFB in binary messages, for a viewer such as noVNC. */
function showDesktop(chat: Chat, c: Asked, workspaces: ChatWorkspaces): Promise<Response> {
  return relay(chat, c, workspaces, {
    path: `/api/v0/desktop/vnc${new URL(c.req.url).search}`,
    what: "agent desktop",
    maxClientBytes: MAX_VIEWER_BYTES,
    maxAgentBytes: MAX_SCREEN_BYTES,
  });
}

/** What the agent tells of the repositories that the chat and its children have touched. */
function watchGit(chat: Chat, c: Asked, workspaces: ChatWorkspaces): Promise<Response> {
  return relay(chat, c, workspaces, {
    path: `/api/v0/git/watch?chat_id=${chat.id}`,
    what: "git state",
    maxClientBytes: MAX_REFRESH_BYTES,
    maxAgentBytes: MAX_GIT_BYTES,
  });
}

type Asked = Context<{ Bindings: AdminEnv }>;

/** Opens a WebSocket at the chat's agent. @throws {HttpProblem} 400 when there is no agent to ask. */
async function relay(
  chat: Chat,
  c: Asked,
  workspaces: ChatWorkspaces,
  place: Pick<AgentSocketOptions, "path" | "what" | "maxClientBytes" | "maxAgentBytes">,
): Promise<Response> {
  workspaces.agentOf(chat);
  return await relayToAgent(c.req.raw, {
    ...place,
    http: () => workspaces.client(chat),
    headers: chatHeaders({ chat }),
    stopping: c.env.stopping,
  });
}
