import { assertEquals } from "@std/assert";

import { chatIdentityOf } from "../../../core/http/chat_identity.ts";
import { chatHeaders } from "./chat_headers.ts";

const CHAT = "11111111-1111-4111-8111-111111111111";
const PARENT = "22222222-2222-4222-8222-222222222222";

Deno.test("chatHeaders() of a root chat holds the literal null, and the agent reads no ancestors", () => {
  const headers = chatHeaders({ chat: { id: CHAT } });

  assertEquals(headers, { "coder-chat-id": CHAT, "coder-ancestor-chat-ids": "null" });
  assertEquals(chatIdentityOf(new Headers(headers)), { chatId: CHAT, ancestorIds: [], ids: [CHAT] });
});

Deno.test("chatHeaders() of a child names its direct parent alone", () => {
  const headers = chatHeaders({ chat: { id: CHAT, parentId: PARENT } });

  assertEquals(headers["coder-ancestor-chat-ids"], `["${PARENT}"]`);
  assertEquals(chatIdentityOf(new Headers(headers))?.ids, [CHAT, PARENT]);
});

Deno.test("chatHeaders() gives the model's call a UUID that is always the same, and another in another chat", () => {
  const idOf = (id: string) =>
    chatIdentityOf(new Headers(chatHeaders({ chat: { id }, toolUseId: "toolu_1" })))?.toolCallId;

  assertEquals([typeof idOf(CHAT), idOf(CHAT) === idOf(CHAT), idOf(CHAT) === idOf(PARENT)], ["string", true, false]);
});
