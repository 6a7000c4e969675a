import { assertEquals, assertRejects } from "@std/assert";

import { closeAgent, messageAgent, spawnAgent, spawnComputerUseAgent, waitAgent } from "./sub_agent_tools.ts";
import { type Tool, ToolError } from "./tool.ts";
import type { SubAgent, SubAgents, WorkspaceApi } from "./workspace_api.ts";

const ID = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const AGENT: SubAgent = { chat_id: ID, title: "Look", status: "pending" };
const context = { signal: new AbortController().signal, now: () => 0 };

/** Agents that note what they are asked for. */
function recorded(): { readonly api: WorkspaceApi; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const note = (...what: readonly unknown[]) => Promise.resolve(asked.push(what)).then(() => AGENT);
  const agents: SubAgents = {
    spawn: (task) => note("spawn", task),
    wait: async (id, { waitMs }) => ({ ...await note("wait", id, waitMs), report: "Found" }),
    message: (id, message) => note("message", id, message),
    close: (id) => note("close", id),
  };
  return { api: { agents, desktopAgents: { spawn: (task) => note("spawn for the desktop", task) } }, asked };
}

Deno.test("spawn_agent and spawn_computer_use_agent hand the task over, trimmed, and answer with the agent", async () => {
  const { api, asked } = recorded();

  const result = await spawnAgent.call({ prompt: " look ", title: " " }, api, context);
  const onDesktop = await spawnComputerUseAgent.call({ prompt: "click", title: "Click" }, api, context);

  assertEquals([result, onDesktop], [AGENT, AGENT]);
  assertEquals(asked, [
    ["spawn", { prompt: "look", title: undefined }],
    ["spawn for the desktop", { prompt: "click", title: "Click" }],
  ]);
});

Deno.test("wait_agent waits 300 seconds unless it is told another time above 0", async () => {
  const { api, asked } = recorded();

  for (const seconds of [undefined, 0, -1, 1.5]) {
    const result = await waitAgent.call({ chat_id: ID, timeout_seconds: seconds }, api, context);
    assertEquals(result, { ...AGENT, report: "Found" });
  }

  assertEquals(asked, [300_000, 300_000, 300_000, 1500].map((ms) => ["wait", ID, ms]));
});

Deno.test("message_agent and close_agent say what they did", async () => {
  const { api, asked } = recorded();

  const plain = await messageAgent.call({ chat_id: ID, message: " more " }, api, context);
  const loud = await messageAgent.call({ chat_id: ID, message: "stop", interrupt: true }, api, context);
  const closed = await closeAgent.call({ chat_id: ID }, api, context);

  assertEquals([plain, loud, closed], [
    { ...AGENT, interrupted: false },
    { ...AGENT, interrupted: true },
    { ...AGENT, terminated: true },
  ]);
  assertEquals(asked, [
    ["message", ID, { message: "more", interrupt: false }],
    ["message", ID, { message: "stop", interrupt: true }],
    ["close", ID],
  ]);
});

Deno.test("tools for agents refuse what is empty and ids that are none", async () => {
  const { api, asked } = recorded();
  const cases: readonly (readonly [Tool, unknown, string])[] = [
    [spawnAgent, {}, "prompt is required"],
    [spawnAgent, { prompt: " \n" }, "prompt is required"],
    [spawnComputerUseAgent, { title: "Click" }, "prompt is required"],
    [messageAgent, { chat_id: ID, message: "" }, "message is required"],
    [waitAgent, {}, "chat_id must be a UUID"],
    [waitAgent, { chat_id: "first" }, "chat_id must be a UUID"],
    [closeAgent, { chat_id: `${ID}0` }, "chat_id must be a UUID"],
  ];

  for (const [tool, args, text] of cases) await assertRejects(() => tool.call(args, api, context), ToolError, text);

  assertEquals(asked, []);
});
