/**
 * A chat as it happens, in server-sent events.
 *
 * @module
 */
import { encodeJson } from "../../../core/http/json.ts";
import type { Chat, ChatStore } from "./chat_store.ts";
import { chatView, messageView, queuedView } from "./chat_views.ts";
import type { Chats } from "./chats.ts";

/** Time between two comments, in milliseconds: proxies cut what is silent for a minute. */
const KEEP_ALIVE_MS = 20_000;

/** What {@linkcode chatStream} shows. */
export interface ChatStreamOptions {
  readonly chats: Chats;
  readonly store: ChatStore;
  /** Only messages after this id. */
  readonly after: number;
  readonly signal: AbortSignal;
}

/**
 * First everything there is, then every change: `message` (its id is the event's, so that browsers go on where they were),
 * `queue` with what is still to be heard, and `chat`.
 */
export function chatStream({ id }: Chat, options: ChatStreamOptions): Response {
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  // Subscribed before the first look, so that no change is lost between the two.
  const watching = options.chats.changes.watch(signal);
  const encoder = new TextEncoder();
  const look = looking(id, options);
  let ticking: ReturnType<typeof setInterval>;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(encoder.encode(look()));
      ticking = setInterval(() => controller.enqueue(encoder.encode(": still here\n\n")), KEEP_ALIVE_MS);
    },
    async pull(controller) {
      for (let text = ""; text === "";) {
        const { done, value } = await watching.next();
        if (done) {
          clearInterval(ticking);
          return controller.close();
        }
        if (value.some(({ agentId }) => agentId === id)) text = look();
        if (text !== "") controller.enqueue(encoder.encode(text));
      }
    },
    cancel() {
      clearInterval(ticking);
      left.abort();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}

/** Returns what is new since the last look, as events. */
function looking(id: string, { chats, store, after }: ChatStreamOptions): () => string {
  let last = after;
  let [shownChat, shownQueue] = ["", "[]"];
  return () => {
    const events: string[] = [];
    for (const message of store.messages(id, last)) {
      events.push(event("message", messageView(message), message.id));
      last = message.id;
    }
    const queue = store.queued(id).map(queuedView);
    if (JSON.stringify(queue) !== shownQueue) events.push(event("queue", { messages: queue }));
    shownQueue = JSON.stringify(queue);
    const chat = chatView(chats.chat(id));
    if (JSON.stringify(chat) !== shownChat) events.push(event("chat", chat));
    shownChat = JSON.stringify(chat);
    return events.join("");
  };
}

function event(name: string, data: unknown, id?: number): string {
  return `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${encodeJson(data).trim()}\n\n`;
}
