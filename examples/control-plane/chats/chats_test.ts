import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";

import fc from "fast-check";

import { systemClock } from "../../../core/clock.ts";
import { HttpProblem } from "../../../core/errors.ts";
import { createLogger } from "../../../core/log.ts";
import type { Chat, ChatStore } from "./chat_store.ts";
import type { ChatTool } from "./chat_tools.ts";
import { Chats, type ChatsOptions } from "./chats.ts";
import type { Model } from "./model.ts";
import { type Script, scriptedModel } from "./scripted_model.ts";
import { openSqliteChatStore } from "./sqlite_chat_store.ts";

/** Longest wait for anything, in milliseconds: it only ends hangs. */
const HANG_MS = 60_000;
const never = new AbortController().signal;
const LOG = createLogger({ category: ["test"], sink: () => {}, clock: systemClock });

/** A tool that answers when a test lets it, or at once. */
function tool(name: string, call: ChatTool["call"] = () => Promise.resolve({ content: name })): ChatTool {
  return { definition: { name, description: "", input_schema: { type: "object" } }, call };
}

interface Opened extends AsyncDisposable {
  readonly chats: Chats;
  readonly store: ChatStore;
}

function open(
  model: Model | readonly Script[],
  { store = openSqliteChatStore(":memory:"), ...more }: Partial<ChatsOptions> = {},
): Opened {
  const models = ["reply" in model ? model : scriptedModel(model)];
  const chats = new Chats({
    ...{ store, models, toolsOf: () => [], systemOf: () => "", clock: systemClock, log: LOG, ...more },
  });
  return {
    ...{ chats, store },
    async [Symbol.asyncDispose]() {
      await chats.close();
      store[Symbol.dispose]();
    },
  };
}

const idle = ({ chats }: Opened, { id }: Chat) => chats.idle(id, { waitMs: HANG_MS, signal: never });

/** Who said what, in a line each. */
function said({ store }: Opened, { id }: Chat): readonly string[] {
  return store.messages(id).map(({ role, content }) => {
    const parts = content.map((block) => {
      if (block.type === "tool_use") return `${block.name}()`;
      if (block.type === "tool_result") return `${block.is_error ? "!" : ""}${block.content}`;
      return block.type === "text" ? block.text : block.type;
    });
    return `${role}: ${parts.join(" ")}`;
  });
}

Deno.test("a chat works through model and tools, and waits when the model is done", async () => {
  const steps = [{ say: "Let me see", use: [{ tool: "look" }] }, { say: "Done" }];
  await using opened = open([{ steps }], { toolsOf: () => [tool("look")] });

  const begun = opened.chats.create({ prompt: "Find the bug in the parser of dates", workspace: "o/w" });
  const ended = await idle(opened, begun);

  assertEquals([begun.status, ended.status, begun.title], ["pending", "waiting", "Find the bug in the parser…"]);
  assertEquals(said(opened, begun), [
    "user: Find the bug in the parser of dates",
    "assistant: Let me see look()",
    "tool: look",
    "assistant: Done",
  ]);
});

Deno.test("tools that are called together run at the same time, and each result is there as soon as it is", async () => {
  const slow = Promise.withResolvers<void>();
  const tools = [
    tool("slow", () => slow.promise.then(() => ({ content: "slow" }))),
    tool("quick"),
  ];
  const steps = [{ use: [{ tool: "slow" }, { tool: "quick" }] }, { say: "Done" }];
  await using opened = open([{ steps }], { toolsOf: () => tools });
  const watching = opened.chats.changes.watch(never);

  const chat = opened.chats.create({ prompt: "go" });
  while (said(opened, chat).length < 3) await watching.next();
  assertEquals(said(opened, chat).slice(1), ["assistant: slow() quick()", "tool: quick"]);
  slow.resolve();
  await idle(opened, chat);

  assertEquals(said(opened, chat).slice(2), ["tool: quick", "tool: slow", "assistant: Done"]);
});

Deno.test("what goes wrong in a tool is a result, also a tool that is not there", async () => {
  const broken = tool("broken", () => Promise.reject(new Error("no such file")));
  const steps = [{ use: [{ tool: "broken" }, { tool: "gone" }] }, { say: "I see" }];
  await using opened = open([{ steps }], { toolsOf: () => [broken] });

  const chat = await idle(opened, opened.chats.create({ prompt: "go" }));

  assertEquals(chat.status, "waiting");
  assertEquals(said(opened, chat).slice(2).sort(), [
    "assistant: I see",
    'tool: !There is no tool "gone". There are: broken',
    "tool: !no such file",
  ]);
});

Deno.test("a model that fails leaves the chat with the reason, and the chat goes on when the user does", async () => {
  const steps = [{ say: "Hello" }, { say: "again" }];
  const script = scriptedModel([{ steps }]);
  let fails = true;
  const model: Model = {
    name: "flaky",
    reply: (request, signal) =>
      fails
        ? scriptedModel([{ steps: [{ fail: "overloaded" }] }]).reply(request, signal)
        : script.reply(request, signal),
  };
  await using opened = open(model);

  const failed = await idle(opened, opened.chats.create({ prompt: "one" }));
  fails = false;
  opened.chats.say(failed.id, "two");
  const well = await idle(opened, failed);

  assertEquals([failed.status, failed.error, well.status, well.error], ["error", "overloaded", "waiting", undefined]);
  assertEquals(said(opened, well), ["user: one", "user: two", "assistant: Hello"]);
});

Deno.test("a model that refuses, or whose answer is cut, ends the run with the reason and makes no call", async () => {
  for (const stopReason of ["refusal", "max_tokens"]) {
    let calls = 0;
    const counted = tool("look", () => Promise.resolve({ content: String(++calls) }));
    const steps = [{ say: "So", use: [{ tool: "look" }], stopReason }];
    await using opened = open([{ steps }], { toolsOf: () => [counted] });

    const { status, error } = await idle(opened, opened.chats.create({ prompt: "go" }));

    assertEquals([status, calls], ["error", 0]);
    assertEquals(/refused|was cut/.test(error ?? ""), true);
  }
});

Deno.test("a model that never ends is stopped at the limit of answers", async () => {
  const steps = Array.from({ length: 9 }, () => ({ use: [{ tool: "look" }] }));
  await using opened = open([{ steps }], { toolsOf: () => [tool("look")], maxTurns: 3 });

  const chat = await idle(opened, opened.chats.create({ prompt: "go" }));

  assertEquals([chat.status, chat.error?.includes("3 answers")], ["error", true]);
  assertEquals(said(opened, chat).length, 7);
});

Deno.test("interrupt() stops model and tools, gives open calls a result, and resolves when all has ended", async () => {
  const called = Promise.withResolvers<AbortSignal>();
  const stuck = tool("stuck", (_input, { signal }) => {
    called.resolve(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await using opened = open([{ steps: [{ use: [{ tool: "stuck" }] }] }], { toolsOf: () => [stuck] });

  const chat = opened.chats.create({ prompt: "go" });
  await called.promise;
  opened.chats.say(chat.id, "never heard");
  const after = await opened.chats.interrupt(chat.id);

  assertEquals(after.status, "waiting");
  assertEquals(said(opened, chat).slice(2), [
    "tool: !Interrupted: the user stopped the work. A command may still run: see process_list",
  ]);
});

Deno.test("what is said to a chat at work is heard when its tools have answered, or at once with interrupt", async () => {
  for (const interrupt of [false, true]) {
    const called = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const slow = tool("slow", async (_input, { signal }) => {
      called.resolve();
      signal.addEventListener("abort", () => answer.reject(signal.reason));
      await answer.promise;
      return { content: "answer" };
    });
    const steps = [{ use: [{ tool: "slow" }] }, { say: "Heard" }];
    await using opened = open([{ steps }], { toolsOf: () => [slow] });

    const chat = opened.chats.create({ prompt: "go" });
    await called.promise;
    opened.chats.say(chat.id, "more", { interrupt });
    if (!interrupt) answer.resolve();
    await idle(opened, chat);

    const result = interrupt
      ? "!Interrupted: the user has something else to say. A command may still run: see process_list"
      : "answer";
    assertEquals(said(opened, chat).slice(2), [`tool: ${result}`, "user: more", "assistant: Heard"]);
  }
});

Deno.test("a restart shows what was said, gives open calls a result, and the chat goes on when its user does", async () => {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "plane.db");
  const called = Promise.withResolvers<void>();
  const stuck = tool("stuck", () => {
    called.resolve();
    return new Promise(() => {}); // As when the program is killed in the middle.
  });
  const script = [{ steps: [{ say: "Trying", use: [{ tool: "stuck" }] }, { say: "Going on" }] }];
  const before = open(script, { store: openSqliteChatStore(path), toolsOf: () => [stuck] });
  const { id } = before.chats.create({ prompt: "go" });
  await called.promise;
  before.store[Symbol.dispose]();

  {
    await using after = open(script, { store: openSqliteChatStore(path) });
    const chat = after.chats.chat(id);
    assertEquals([chat.status, chat.error], [
      "error",
      "Interrupted: the control plane was restarted. Say something to let the chat go on",
    ]);
    after.chats.say(id, "please");
    await idle(after, chat);
    assertEquals(said(after, chat), [
      "user: go",
      "assistant: Trying stuck()",
      "tool: !Interrupted: the control plane was restarted. A command may still run: see process_list",
      "user: please",
      "assistant: Going on",
    ]);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("close() ends runs, and their chats say that the control plane was stopped", async () => {
  const called = Promise.withResolvers<void>();
  const stuck = tool("stuck", (_input, { signal }) => {
    called.resolve();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await using opened = open([{ steps: [{ use: [{ tool: "stuck" }] }] }], { toolsOf: () => [stuck] });
  const chat = opened.chats.create({ prompt: "go" });
  await called.promise;

  await opened.chats.close();

  assertEquals(opened.chats.chat(chat.id).status, "error");
  const error = assertThrows(() => opened.chats.say(chat.id, "more"), HttpProblem);
  assertEquals(error.status, 503);
});

Deno.test("archive() puts a chat and its children away, and nothing can be said to them until they are back", async () => {
  await using opened = open([{ steps: [{ say: "Hello" }] }]);
  const parent = opened.chats.create({ title: "parent" });
  const child = opened.chats.create({ title: "child", parent });

  await opened.chats.archive(parent.id);

  assertEquals(opened.store.chats({ isArchived: true }).map(({ title }) => title), ["child", "parent"]);
  const error = assertThrows(() => opened.chats.say(child.id, "hello"), HttpProblem);
  assertEquals(error.status, 409);
  opened.chats.unarchive(parent.id);
  assertEquals(opened.store.chats({ isArchived: true }), []);
});

Deno.test("archive() stops work first, so that a chat makes no more chats while it is put away", async () => {
  const called = Promise.withResolvers<void>();
  const spawning: ChatTool["call"] = async (_input, { signal }) => {
    called.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    opened.chats.create({ title: "too late", parent: opened.chats.chat(parent.id) });
    return { content: "made" };
  };
  await using opened = open([{ steps: [{ use: [{ tool: "spawn" }] }] }], { toolsOf: () => [tool("spawn", spawning)] });
  const parent = opened.chats.create({ prompt: "go" });
  await called.promise;

  const { status, archivedAt } = await opened.chats.archive(parent.id);

  assertEquals([status, typeof archivedAt, opened.store.chats().length], ["waiting", "string", 1]);
});

Deno.test("a child has its parent's workspace, agent and model, and the same root at every depth", async () => {
  await using opened = open([{ steps: [] }]);
  const { chats } = opened;

  const parent = chats.create({ workspace: "o/w", agentId: "a" });
  const child = chats.create({ parent, title: "child" });

  assertEquals([child.workspace, child.agentId, child.model], ["o/w", "a", "scripted"]);
  assertEquals([child.parentId, child.rootId], [parent.id, parent.id]);
  assertEquals([chats.isBelow(child.id, parent.id), chats.isBelow(parent.id, child.id)], [true, false]);
  assertEquals(chats.isBelow(parent.id, parent.id), false);
  const error = assertThrows(() => chats.create({ parent: child }), HttpProblem);
  assertEquals(error.message, "delegated chats cannot create child subagents");
});

Deno.test("idle() ends with its time and with its signal", async () => {
  const stuck: Model = {
    name: "stuck",
    reply: (_, signal) => new Promise((_, no) => signal.onabort = () => no(signal.reason)),
  };
  await using opened = open(stuck);
  const { id } = opened.chats.create({ prompt: "go" });
  const stop = new AbortController();

  await assertRejects(() => opened.chats.idle(id, { waitMs: 1, signal: never }), Error, "timed out");
  const waiting = opened.chats.idle(id, { waitMs: HANG_MS, signal: stop.signal });
  stop.abort(new Error("enough"));

  await assertRejects(() => waiting, Error, "enough");
});

Deno.test("a prompt of white space is none: the chat waits", async () => {
  await using opened = open([{ steps: [] }]);

  const chat = opened.chats.create({ prompt: " \n" });

  assertEquals([chat.status, chat.title, said(opened, chat)], ["waiting", "New chat", []]);
});

Deno.test("a chat whose model is not there is not begun", async () => {
  await using opened = open([{ steps: [] }]);

  const error = assertThrows(() => opened.chats.create({ prompt: "go", model: "gone" }), HttpProblem);

  assertEquals([error.status, error.message, error.detail], [400, 'There is no model "gone"', "there are: scripted"]);
  assertEquals(opened.store.chats(), []);
});

Deno.test("whatever is said to a chat is heard, and nobody sees the chat idle before, in any interleaving", async () => {
  const runs = Math.round(1_000 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? "1"));
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 4 }), async (s, interrupts) => {
      const model: Model = {
        name: "scheduled",
        async reply(_request, signal) {
          await s.schedule(Promise.resolve());
          signal.throwIfAborted();
          return { content: [{ type: "text", text: "Heard" }], stopReason: "end_turn" };
        },
      };
      await using opened = open(model);
      const chat = opened.chats.create({ prompt: "0" });
      const waits = interrupts.map((interrupt, index) =>
        s.schedule(Promise.resolve()).then(async () => {
          opened.chats.say(chat.id, String(index + 1), { interrupt });
          await idle(opened, chat);
          // Idle means that this, too, was answered.
          assertEquals(said(opened, chat).at(-1), "assistant: Heard");
        })
      );

      await s.waitIdle();
      await Promise.all([...waits, idle(opened, chat)]);

      const heard = said(opened, chat);
      assertEquals(heard.at(-1), "assistant: Heard");
      assertEquals(heard.filter((line) => line.startsWith("user")).length, interrupts.length + 1);
      assertEquals(opened.store.queued(chat.id), []);
    }),
    { numRuns: runs },
  );
});

Deno.test("a chat that cannot be stored ends its work, and goes on when it is spoken to again", async () => {
  const store = openSqliteChatStore(":memory:");
  const lost = Promise.withResolvers<string>();
  const log = createLogger({
    category: ["test"],
    sink: ({ message }) => lost.resolve(String(message[0])),
    clock: systemClock,
  });
  await using opened = open([{ steps: [{ say: "Done" }] }, { steps: [{ say: "Done" }] }], { store, log });
  const { save } = store;
  let isFull = false;
  store.save = (chat) => {
    if (isFull) throw new Error("database or disk is full");
    save.call(store, chat);
  };

  const chat = opened.chats.create({ prompt: "Go" });
  isFull = true;
  const told = await lost.promise;
  isFull = false;
  opened.chats.say(chat.id, "Again");
  const ended = await idle(opened, chat);

  assertEquals([told, ended.status], ["chat not stored", "waiting"]);
});
