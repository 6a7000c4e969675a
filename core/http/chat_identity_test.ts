import { assertEquals } from "@std/assert";

import { chatIdentityOf } from "./chat_identity.ts";

const CHAT = "11111111-1111-4111-8111-111111111111";
const PARENT = "22222222-2222-4222-8222-222222222222";
const ROOT = "33333333-3333-4333-8333-333333333333";

function identity(chat?: string, ancestors?: string, toolCall?: string) {
  const headers = new Headers();
  if (chat !== undefined) headers.set("Coder-Chat-Id", chat);
  if (ancestors !== undefined) headers.set("Coder-Ancestor-Chat-Ids", ancestors);
  if (toolCall !== undefined) headers.set("Coder-Tool-Call-Id", toolCall);
  return chatIdentityOf(headers);
}

Deno.test("chatIdentityOf() finds no chat without headers", () => {
  assertEquals(identity(), undefined);
  assertEquals(identity(undefined, JSON.stringify([PARENT])), undefined);
});

Deno.test("chatIdentityOf() takes a valid chat id without ancestors", () => {
  assertEquals(identity(CHAT), { chatId: CHAT, ancestorIds: [], ids: [CHAT] });
});

Deno.test("chatIdentityOf() keeps valid ancestors in order", () => {
  const chat = identity(CHAT, JSON.stringify([PARENT, ROOT]));

  assertEquals(chat, { chatId: CHAT, ancestorIds: [PARENT, ROOT], ids: [CHAT, PARENT, ROOT] });
});

Deno.test("chatIdentityOf() treats a malformed chat id as no chat", () => {
  assertEquals(identity("not-a-uuid", JSON.stringify([PARENT])), undefined);
  assertEquals(identity(`${CHAT}0`), undefined);
});

Deno.test("chatIdentityOf() keeps the chat when the ancestors are not JSON", () => {
  assertEquals(identity(CHAT, "{not json")?.ancestorIds, []);
});

Deno.test("chatIdentityOf() drops invalid ancestors and keeps the order of the others", () => {
  const chat = identity(CHAT, JSON.stringify([PARENT, "nonsense", 7, null, ROOT]));

  assertEquals(chat?.ancestorIds, [PARENT, ROOT]);
});

Deno.test("chatIdentityOf() treats an empty chat id as no chat", () => {
  assertEquals(identity(""), undefined);
});

Deno.test("chatIdentityOf() takes an empty ancestor header as no ancestors", () => {
  assertEquals(identity(CHAT, "")?.ancestorIds, []);
});

Deno.test("chatIdentityOf() accepts the literal null that a root chat sends, and other JSON that is no list", () => {
  assertEquals(identity(CHAT, "null")?.ancestorIds, []);
  assertEquals(identity(CHAT, `{"0":"${PARENT}"}`)?.ancestorIds, []);
});

Deno.test("chatIdentityOf() reads the tool call and ignores one that is no UUID", () => {
  assertEquals(identity(CHAT, undefined, ROOT)?.toolCallId, ROOT);
  assertEquals(identity(CHAT, undefined, "call_1"), { chatId: CHAT, ancestorIds: [], ids: [CHAT] });
});

Deno.test("chatIdentityOf() writes every spelling of a UUID the same way", () => {
  const upper = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE";

  for (const spelling of [upper, `{${upper}}`, `urn:uuid:${upper}`, upper.replaceAll("-", "")]) {
    assertEquals(identity(spelling)?.chatId, upper.toLowerCase());
  }
});
