import { assertEquals, assertMatch } from "@std/assert";

import { systemClock } from "../../../core/clock.ts";
import { createLogger } from "../../../core/log.ts";
import type { Chat } from "./chat_store.ts";
import { sharedTools } from "./chat_tools.ts";
import { Chats } from "./chats.ts";
import type { Model } from "./model.ts";
import { type Script, scriptedModel, type ScriptTurn } from "./scripted_model.ts";
import { openSqliteChatStore } from "./sqlite_chat_store.ts";
import { desktopAgentsOf, subAgentsOf } from "./sub_agents.ts";

/** Longest wait for anything, in milliseconds: it only ends hangs. */
const HANG_MS = 60_000;

/** Chats whose only tools are those for other agents. */
function openWith(models: readonly Model[]) {
  const store = openSqliteChatStore(":memory:");
  const chats: Chats = new Chats({
    ...{ store, models, systemOf: () => "", clock: systemClock },
    log: createLogger({ category: ["test"], sink: () => {}, clock: systemClock }),
    toolsOf: (chat) =>
      sharedTools(() => ({
        agents: subAgentsOf(chat, { chats, store }),
        desktopAgents: desktopAgentsOf(chat, chats),
      })),
  });
  return {
    ...{ chats, store },
    /** What the tools of a chat answered, once it is idle. */
    async results({ id }: Chat): Promise<readonly unknown[]> {
      await chats.idle(id, { waitMs: HANG_MS, signal: new AbortController().signal });
      return store.messages(id).flatMap(({ content }) => content).flatMap((block) => {
        if (block.type !== "tool_result") return [];
        return [block.is_error ? String(block.content) : JSON.parse(String(block.content))];
      });
    },
    async [Symbol.asyncDispose]() {
      await chats.close();
      store[Symbol.dispose]();
    },
  };
}

const open = (scripts: readonly Script[]) => openWith([scriptedModel(scripts)]);
const spawn = (prompt: string) => ({ use: [{ tool: "spawn_agent", input: { prompt } }] });
const spawnOnDesktop = (prompt: string) => ({ use: [{ tool: "spawn_computer_use_agent", input: { prompt } }] });
const use = (tool: string, more: object = {}) => ({ values: [agent] }: ScriptTurn) => ({
  use: [{ tool, input: { chat_id: agent.chat_id, ...more } }],
});
const DONE = { say: "Done" };

Deno.test("a chat gives work to another, waits for its report, says more and waits again", async () => {
  await using opened = open([
    { when: /^child/, steps: [{ say: "First report" }, { say: "Second report" }] },
    {
      steps: [
        spawn("child: look at the parser of dates please"),
        use("wait_agent"),
        use("message_agent", { message: "and again" }),
        use("wait_agent"),
        use("close_agent"),
        DONE,
      ],
    },
  ]);

  const parent = opened.chats.create({ prompt: "go", workspace: "o/w" });
  const [spawned, first, said, second, closed] = await opened.results(parent) as Readonly<Record<string, unknown>>[];

  const child = opened.chats.chat(String(spawned!.chat_id));
  assertEquals([child.parentId, child.rootId, child.workspace], [parent.id, parent.id, "o/w"]);
  const facts = { chat_id: child.id, title: "child: look at the parser of…" };
  assertEquals(spawned, { ...facts, status: "pending" });
  assertEquals(first, { ...facts, status: "waiting", report: "First report" });
  assertEquals(said, { ...facts, status: "pending", interrupted: false });
  assertEquals(second, { ...facts, status: "waiting", report: "Second report" });
  assertEquals(closed, { ...facts, status: "waiting", terminated: true });
});

Deno.test("an agent that fails is an error for who waits", async () => {
  await using opened = open([
    { when: /^broken/, steps: [{ fail: "overloaded" }] },
    { steps: [spawn("broken"), use("wait_agent"), DONE] },
  ]);

  const [, failed] = await opened.results(opened.chats.create({ prompt: "go" }));

  assertEquals(failed, "overloaded");
});

Deno.test("close_agent stops the work, and message_agent with interrupt turns it to something else", async () => {
  const busy = ({ signal }: ScriptTurn) => new Promise<never>((_, no) => signal.onabort = () => no(signal.reason));
  await using opened = open([
    { when: /^closed/, steps: [busy] },
    {
      when: /^turned/,
      steps: [(turn) => JSON.stringify(turn.request).includes("another way") ? { say: "Turned" } : busy(turn)],
    },
    { when: /^one/, steps: [spawn("closed"), use("close_agent"), DONE] },
    {
      when: /^two/,
      steps: [
        spawn("turned"),
        use("message_agent", { message: "another way", interrupt: true }),
        use("wait_agent"),
        DONE,
      ],
    },
  ]);

  const [, closed] = await opened.results(opened.chats.create({ prompt: "one" })) as Readonly<
    Record<string, unknown>
  >[];
  const turned = await opened.results(opened.chats.create({ prompt: "two" })) as Readonly<Record<string, unknown>>[];

  assertEquals([closed!.terminated, closed!.status], [true, "waiting"]);
  assertEquals([turned[1]!.interrupted, turned[2]!.report, turned[2]!.status], [true, "Turned", "waiting"]);
});

Deno.test("wait_agent says that its time is up, and the agent works on", async () => {
  const release = Promise.withResolvers<void>();
  await using opened = open([
    { when: /^slow/, steps: [() => release.promise.then(() => ({ say: "At last" }))] },
    { steps: [spawn("slow"), use("wait_agent", { timeout_seconds: 0.001 }), DONE] },
  ]);

  const [spawned, waited] = await opened.results(opened.chats.create({ prompt: "go" }));
  assertMatch(String(waited), /timed out/);
  release.resolve();
  const child = opened.chats.chat((spawned as { readonly chat_id: string }).chat_id);
  await opened.results(child);

  assertEquals(opened.store.messages(child.id).at(-1)?.content, [{ type: "text", text: "At last" }]);
});

Deno.test("a child cannot start agents, and no chat reaches one that is not below it", async () => {
  await using opened = open([
    { when: /^child/, steps: [spawn("grandchild"), DONE] },
    { when: /^other/, steps: [({ request }) => targeting(request.messages), DONE] },
    { steps: [spawn("child"), use("wait_agent"), DONE] },
  ]);
  /** Every call towards the chat that the message names. */
  function targeting(messages: ScriptTurn["request"]["messages"]) {
    const [block] = messages[0]!.content;
    const chat_id = block!.type === "text" ? block!.text.split(" ")[1]! : "";
    return {
      use: [
        { tool: "wait_agent", input: { chat_id } },
        { tool: "message_agent", input: { chat_id, message: "hello" } },
        { tool: "close_agent", input: { chat_id } },
      ],
    };
  }

  const parent = opened.chats.create({ prompt: "go" });
  const [spawned] = await opened.results(parent) as { readonly chat_id: string }[];
  const refused = await opened.results(opened.chats.chat(spawned!.chat_id));
  const foreign = [];
  for (const target of [spawned!.chat_id, crypto.randomUUID()]) {
    foreign.push(...await opened.results(opened.chats.create({ prompt: `other ${target}` })));
  }

  assertEquals(refused, ["delegated chats cannot create child subagents"]);
  assertEquals(foreign.length, 6);
  for (const text of foreign) assertMatch(String(text), /not a descendant/);
});

Deno.test("an agent for the desktop has that mode and a model that can, and is waited for as others are", async () => {
  /** A model that cannot use the desktop; it says what the script for it says. */
  const plain = { ...scriptedModel([{ steps: [spawnOnDesktop("click it"), use("wait_agent"), DONE] }]), name: "plain" };
  const able = scriptedModel([{ steps: [{ say: "Clicked" }] }]);
  await using opened = openWith([{ ...plain, usesDesktop: false }, able]);

  const parent = opened.chats.create({ prompt: "go", workspace: "o/w" });
  const [spawned, waited] = await opened.results(parent) as Readonly<Record<string, unknown>>[];
  const child = opened.chats.chat(String(spawned!.chat_id));

  assertEquals([parent.mode, parent.model], ["default", "plain"]);
  assertEquals([child.mode, child.model, child.parentId, child.workspace], [
    ...["computer_use", "scripted", parent.id, "o/w"],
  ]);
  assertEquals([waited!.report, waited!.status], ["Clicked", "waiting"]);
});

Deno.test("an agent for the desktop starts no other, and there is none where no model can use a desktop", async () => {
  await using able = open([
    { when: /^child/, steps: [spawnOnDesktop("grandchild"), DONE] },
    { steps: [spawnOnDesktop("child"), use("wait_agent"), DONE] },
  ]);
  const plain = scriptedModel([{ steps: [spawnOnDesktop("child"), DONE] }]);
  await using unable = openWith([{ ...plain, usesDesktop: false }]);

  const [spawned] = await able.results(able.chats.create({ prompt: "go" })) as { readonly chat_id: string }[];
  const refused = await able.results(able.chats.chat(spawned!.chat_id));
  const [missing] = await unable.results(unable.chats.create({ prompt: "go" }));

  assertEquals(refused, ["delegated chats cannot create child subagents"]);
  assertMatch(String(missing), /There is no tool "spawn_computer_use_agent"/);
});

Deno.test("a chat has at most 16 agents at work", async () => {
  await using opened = open([
    { when: /^busy/, steps: [({ signal }) => new Promise((_, no) => signal.onabort = () => no(signal.reason))] },
    { steps: [{ use: Array.from({ length: 17 }, () => ({ tool: "spawn_agent", input: { prompt: "busy" } })) }, DONE] },
  ]);

  const results = await opened.results(opened.chats.create({ prompt: "go" }));

  assertEquals(results.filter((result) => typeof result === "object").length, 16);
  assertMatch(String(results.find((result) => typeof result === "string")), /16 children at work and the limit is 16/);
});
