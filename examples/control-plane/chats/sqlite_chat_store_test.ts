import { DatabaseSync } from "node:sqlite";
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";

import { openSqliteStore } from "../sqlite_store.ts";
import type { Chat, ChatMessage } from "./chat_store.ts";
import { openSqliteChatStore } from "./sqlite_chat_store.ts";

const chat = (id: string, more: Partial<Chat> = {}): Chat => ({
  ...{ id, title: id, model: "m", mode: "default", status: "waiting", createdAt: "1", updatedAt: "1", ...more },
});
const said = (text: string): ChatMessage => ({ role: "user", content: [{ type: "text", text }], createdAt: "now" });
const textsOf = (messages: readonly ChatMessage[]) =>
  messages.map(({ content: [block] }) => block?.type === "text" ? block.text : "");

Deno.test("chats stand in one file with what agents report, and are there when it is opened again", async () => {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "plane.db");
  const whole = chat("a", {
    ...{ parentId: "p", rootId: "r", workspace: "o/w", agentId: "g", mode: "computer_use", status: "error" },
    ...{ error: "tired", archivedAt: "2" },
  });
  {
    using agents = openSqliteStore(path);
    using chats = openSqliteChatStore(path);
    agents.put("a", "metadata", "load", { value: "1", error: "", collectedAt: "now" });
    chats.save(whole);
    chats.addMessage("a", said("kept"));
  }
  {
    using chats = openSqliteChatStore(path);
    using agents = openSqliteStore(path);
    assertEquals(chats.chat("a"), whole);
    assertEquals(textsOf(chats.messages("a")), ["kept"]);
    assertEquals(agents.latest("a", "metadata", "load")?.value, "1");
  }
  const db = new DatabaseSync(path);
  db.exec("UPDATE chat_layout SET version = 99");
  db.close();

  assertThrows(() => openSqliteChatStore(path), Error, "their layout is 99");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("chats() lists the newest first, by parent, place in the archive and number", () => {
  using store = openSqliteChatStore(":memory:");
  const titles = (filter: Parameters<typeof store.chats>[0]) => store.chats(filter).map(({ id }) => id);

  for (const one of [chat("a"), chat("b", { parentId: "a" }), chat("c", { archivedAt: "3" })]) store.save(one);
  store.save(chat("a", { title: "again" }));

  assertEquals(titles({}), ["c", "b", "a"]);
  assertEquals([titles({ parentId: "a" }), titles({ isRoot: true })], [["b"], ["c", "a"]]);
  assertEquals([titles({ isArchived: true }), titles({ isArchived: false, limit: 1 })], [["c"], ["b"]]);
  assertEquals([store.chat("a")?.title, store.chat("z")], ["again", undefined]);
});

Deno.test("what is queued is kept apart until it is taken, and then stands at the end in its order", () => {
  using store = openSqliteChatStore(":memory:");

  const first = store.addMessage("a", said("1"));
  store.queue("a", said("2"));
  store.queue("b", said("not mine"));
  store.queue("a", said("3"));
  assertEquals([textsOf(store.messages("a")), textsOf(store.queued("a"))], [["1"], ["2", "3"]]);
  const taken = [store.takeQueued("a"), store.takeQueued("a")];
  store.clearQueue("b");

  assertEquals([taken, textsOf(store.messages("a"))], [[2, 0], ["1", "2", "3"]]);
  assertEquals([textsOf(store.messages("a", first.id)), store.queued("b")], [["2", "3"], []]);
});
