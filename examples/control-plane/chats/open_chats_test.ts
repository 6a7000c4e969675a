import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";

import { systemClock } from "../../../core/clock.ts";
import { createLogger } from "../../../core/log.ts";
import type { Chat } from "./chat_store.ts";
import type { Model, ModelRequest } from "./model.ts";
import { openChats } from "./open_chats.ts";

/** Longest wait for anything, in milliseconds: it only ends hangs. */
const HANG_MS = 60_000;

/** The chats of a database, and what their model was told last. */
function open(database: string) {
  let last: ModelRequest | undefined;
  const model: Model = {
    ...{ name: "listener", usesDesktop: true },
    reply(request) {
      last = request;
      return Promise.resolve({ content: [{ type: "text", text: "Yes" }], stopReason: "end_turn" });
    },
  };
  const { chats, store } = openChats({
    ...{ database, models: [model], agents: () => [], isConnected: () => false, clock: systemClock },
    client: () => Promise.reject(new Error("there is no agent")),
    log: createLogger({ category: ["test"], sink: () => {}, clock: systemClock }),
  });
  return {
    ...{ chats },
    /** What the model was told once the chat is idle. */
    async told({ id }: Chat): Promise<ModelRequest> {
      await chats.idle(id, { waitMs: HANG_MS, signal: new AbortController().signal });
      return last!;
    },
    async [Symbol.asyncDispose]() {
      await chats.close();
      store[Symbol.dispose]();
    },
  };
}

const namesOf = ({ tools }: ModelRequest) => tools.map(({ name }) => name);

Deno.test("a chat for the desktop has computer and is told how to use it, also after a restart; others have not", async () => {
  const dir = await Deno.makeTempDir();
  const database = join(dir, "chats.db");
  let child: Chat;
  {
    await using first = open(database);
    const parent = first.chats.create({ prompt: "go" });
    const plain = await first.told(parent);
    child = first.chats.create({ prompt: "click", mode: "computer_use", parent });
    const visual = await first.told(child);

    assertEquals(namesOf(plain).includes("spawn_computer_use_agent"), true);
    assertEquals(namesOf(visual), [...namesOf(plain), "computer"]);
    assertMatch(visual.system, /tool computer.*work for another agent/s);
    assertEquals(plain.system.includes("tool computer"), false);
  }
  {
    await using second = open(database);
    const again = await second.told(second.chats.say(child.id, "once more"));

    assertEquals(namesOf(again).at(-1), "computer");
    assertMatch(again.system, /tool computer/);
  }
  await Deno.remove(dir, { recursive: true });
});
