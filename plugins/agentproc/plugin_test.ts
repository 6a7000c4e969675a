import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { HttpProblem } from "../../core/errors.ts";
import { livingGroupMembers } from "../../core/exec/group_members.ts";
import { createTestAgent, fake, type TestAgent } from "../../core/testing/mod.ts";
import { PathActivity } from "../agentgit/service.ts";
import agentproc from "./mod.ts";
import { Processes } from "./service.ts";

const BASE = "/api/v0/processes";
const CHAT = "aaaaaaaa-0000-4000-8000-000000000001";
const PARENT = "bbbbbbbb-0000-4000-8000-000000000002";

async function start(agent: TestAgent, body: Record<string, unknown>, headers: HeadersInit = {}): Promise<string> {
  const response = await agent.post(`${BASE}/start`, body, headers);
  assertEquals(response.status, 200);
  return (await response.json()).id;
}

async function end(agent: TestAgent, id: string): Promise<{ readonly output: string; readonly exit_code: number }> {
  return await (await agent.get(`${BASE}/${id}/output?wait=true`)).json();
}

Deno.test("agentproc counts starts, refusals, ends and output", async () => {
  await using agent = await createTestAgent({ plugins: [agentproc], config: { agentproc: { maxProcesses: 1 } } });
  const sleeper = await start(agent, { command: "sleep 60" });
  assertEquals(await agent.metric("agent_agentproc_running"), 1);

  assertEquals((await agent.post(`${BASE}/start`, { command: "true" })).status, 429);
  await agent.post(`${BASE}/${sleeper}/signal`, { signal: "kill" });
  await end(agent, sleeper);
  for (const command of ["echo 12345", "exit 1"]) await end(agent, await start(agent, { command }));

  const outcomes = ["success", "failure", "signal"];
  const counts = await Promise.all(
    outcomes.map((outcome) => agent.metric("agent_agentproc_exited_total", { outcome })),
  );
  assertEquals(counts, [1, 1, 1]);
  assertEquals(await agent.metric("agent_agentproc_started_total"), 3);
  assertEquals(await agent.metric("agent_agentproc_refused_total", { reason: "limit" }), 1);
  assertEquals(await agent.metric("agent_agentproc_output_bytes_total"), 6);
  assertEquals(await agent.metric("agent_agentproc_running"), 0);
});

Deno.test("agentproc tells the git watcher what a chat's command may have touched", async () => {
  const touched: [readonly string[], readonly string[]][] = [];
  await using agent = await createTestAgent({
    plugins: [agentproc],
    services: [fake(PathActivity, { touched: (chats, paths) => void touched.push([chats, paths]) })],
  });
  const chat = { "coder-chat-id": CHAT, "coder-ancestor-chat-ids": JSON.stringify([PARENT]) };

  const token = { command: "true", workdir: "/tmp", client_token: "once" };
  await end(agent, await start(agent, token, chat));
  assertEquals((await agent.post(`${BASE}/start`, token, chat)).status, 200);
  await end(agent, await start(agent, { command: "true" }, chat));
  await end(agent, await start(agent, { command: "true", workdir: "/tmp" }));

  assertEquals(touched, [[[CHAT, PARENT], ["/tmp"]], [[CHAT, PARENT], []]]);
});

Deno.test("agentproc streams output and exit through the whole agent", async () => {
  await using agent = await createTestAgent({ plugins: [agentproc] });
  const id = await start(agent, { command: "echo out; echo err >&2; exit 5", output: "separate" });

  const response = await agent.get(`${BASE}/${id}/stream`);

  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const text = await response.text();
  assertStringIncludes(text, 'data:{"stream":"output","offset":0,"text":"out\\n"}');
  assertStringIncludes(text, 'data:{"stream":"errors","offset":0,"text":"err\\n"}');
  assertStringIncludes(text, 'event:exit\ndata:{"exit_code":5,');
  assertEquals((await agent.get(`${BASE}/${id}/stream?until=never`)).status, 400);
  assertEquals((await agent.get(`${BASE}/${id}/stream?offset=-1`)).status, 400);
});

Deno.test("agentproc hands agent tokens to no command", async () => {
  const env = { PATH: "/usr/bin:/bin", HOME: "/tmp", OUTPOST_TOKEN: "canary", CODER_AGENT_TOKEN: "canary" };
  await using agent = await createTestAgent({ plugins: [agentproc], env });

  const { output } = await end(agent, await start(agent, { command: "env" }));

  assertStringIncludes(output, "HOME=/tmp\n");
  assertEquals(output.includes("canary"), false);
});

Deno.test("agentproc leaves no process behind when the agent stops, and answers those who wait", async () => {
  const agent = await createTestAgent({
    plugins: [agentproc],
    time: "real",
    config: { agentproc: { terminateMs: 100 } },
  });
  const polite = await start(agent, {
    command: "trap 'echo bye; exit 0' TERM; echo ready; sleep 60 >/dev/null & wait",
  });
  const stubborn = await start(agent, { command: "trap '' TERM; echo ready; sleep 60 & sleep 60" });
  const left = await start(agent, { command: "sleep 60 & exit 0" });
  await end(agent, left);
  const { processes } = await (await agent.get(`${BASE}/list`)).json();
  const pids: number[] = processes.map(({ pid }: { pid: number }) => pid);
  for (const id of [polite, stubborn]) await untilReady(agent, id);
  const waiting = end(agent, polite);
  const stream = agent.get(`${BASE}/${polite}/stream`).then((response) => response.text());

  await agent[Symbol.asyncDispose]();

  assertEquals(pids.map((pid) => livingGroupMembers()?.get(pid) ?? []), [[], [], []]);
  assertEquals((await waiting).output, "ready\nbye\n");
  assertStringIncludes(await stream, 'event:exit\ndata:{"exit_code":0,');
});

Deno.test("a plugin that waits for a process again and again is told that the agent stops", async () => {
  const agent = await createTestAgent({
    plugins: [agentproc],
    config: { agentproc: { terminateMs: 1 } },
    time: "real",
  });
  const processes = agent.service(Processes);
  const id = await start(agent, { command: "trap '' TERM; echo ready; while :; do sleep 0.01; done" });
  await untilReady(agent, id);

  const waiting = processes.output(id, { waitMs: 60_000 });
  const stopped = agent.stop();
  const isRunning = (await waiting).running;
  const again = await assertRejects(() => processes.output(id, { waitMs: 60_000 }), HttpProblem);
  await stopped;

  assertEquals([isRunning, again.status, again.code], [true, 503, "plugin_draining"]);
  await agent[Symbol.asyncDispose]();
});

Deno.test("agentproc works again after a restart of the agent", async () => {
  await using agent = await createTestAgent({ plugins: [agentproc] });
  await start(agent, { command: "sleep 60" });

  await agent.restart();

  assertEquals((await (await agent.get(`${BASE}/list`)).json()).processes, []);
  assertEquals((await end(agent, await start(agent, { command: "echo again" }))).output, "again\n");
});

/** Reads the stream until the command has written "ready". */
async function untilReady(agent: TestAgent, id: string): Promise<void> {
  const { body } = await agent.get(`${BASE}/${id}/stream`);
  const reader = body!.getReader();
  for (let text = ""; !text.includes("ready");) text += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
}
