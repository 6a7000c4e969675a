import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";

// @ts-types="@modelcontextprotocol/sdk/client"
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { createTestAgent, fake, type TestAgent } from "../core/testing/mod.ts";
import agentfiles from "../plugins/agentfiles/mod.ts";
import { Processes } from "../plugins/agentproc/service.ts";
import agentproc from "../plugins/agentproc/mod.ts";
import mcp from "../plugins/mcp/mod.ts";
import { type TaskReport, TaskReporter } from "../plugins/agentsocket/service.ts";
import type { CommandResult } from "../plugins/mcp/tools/mod.ts";

const ENDPOINT = new URL("http://localhost/api/v0/mcp");

interface Session extends AsyncDisposable {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  call(name: string, args?: Record<string, unknown>): Promise<Called>;
}
interface Called {
  readonly text: string;
  readonly isError: boolean;
  // deno-lint-ignore no-explicit-any -- tests look into results of every shape
  readonly value: any;
}

/** A client of the official SDK, talking to an agent in this process. */
async function connect(agent: TestAgent, headers: Record<string, string> = {}): Promise<Session> {
  const transport = new StreamableHTTPClientTransport(ENDPOINT, {
    fetch: (url, init) => agent.fetch(new URL(url, ENDPOINT).pathname, init),
    requestInit: { headers },
    // Its timers would outlive the test.
    reconnectionOptions: {
      ...{ initialReconnectionDelay: 1, maxReconnectionDelay: 1 },
      reconnectionDelayGrowFactor: 1,
      maxRetries: 0,
    },
  });
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(transport);
  return {
    client,
    transport,
    async call(name, args = {}) {
      const result = await client.callTool({ name, arguments: args });
      const [content] = result.content as [{ readonly text: string }];
      return { text: content.text, isError: result.isError === true, value: result.structuredContent };
    },
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
    },
  };
}

async function withWorkspace(use: (agent: TestAgent, dir: string) => Promise<void>, config = {}): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await using agent = await createTestAgent({
      plugins: [agentproc, agentfiles, mcp],
      time: "real",
      config: { mcp: config },
    });
    await use(agent, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a client lists every tool with schemas of its arguments and its result", () =>
  withWorkspace(async (agent) => {
    await using session = await connect(agent);

    const { tools } = await session.client.listTools();

    assertEquals(tools.map(({ name }) => name), [
      "execute",
      "process_output",
      "process_list",
      "process_signal",
      "read_file",
      "read_bytes",
      "write_file",
      "edit_files",
      "list_directory",
    ]);
    for (const { inputSchema, outputSchema, description } of tools) {
      assertEquals([inputSchema.type, outputSchema?.type, description !== ""], ["object", "object", true]);
    }
    assertEquals(tools[0]?.inputSchema.required, ["command"]);
    assertEquals(session.client.getServerVersion()?.name, "outpost");
  }));

Deno.test("tools whose plugin is not there are not offered, and cannot be called", async () => {
  await using agent = await createTestAgent({ plugins: [mcp, agentfiles] });
  await using session = await connect(agent);

  const { tools } = await session.client.listTools();

  assert(!tools.some(({ name }) => name === "execute"));
  await assertRejects(() => session.call("execute", { command: "true" }), Error, `Tool "execute" not found`);
});

Deno.test("coder_report_task appears for clients that name their app, with the service that delivers reports", async () => {
  const reports: TaskReport[] = [];
  await using agent = await createTestAgent({
    plugins: [mcp],
    services: [fake(TaskReporter, { report: (status) => Promise.resolve(void reports.push(status)) })],
  });
  await using stranger = await connect(agent);
  await using session = await connect(agent, { "outpost-app-status-slug": "claude" });
  const report = { summary: "Fixing the bug", link: "", state: "working" };

  const done = await session.call("coder_report_task", report);
  const long = await session.call("coder_report_task", { ...report, summary: "é".repeat(81) });
  const odd = await session.call("coder_report_task", { ...report, state: "thinking" });

  assertEquals(done.value, { message: "Thanks for reporting!" });
  assertEquals(reports, [{ slug: "claude", state: "working", message: "Fixing the bug", uri: "" }]);
  assertEquals((await stranger.client.listTools()).tools, []);
  assertEquals([long.isError, long.text], [true, "summary is over 160 bytes"]);
  assertEquals([odd.isError, odd.text], [true, "state must be one of working, complete, idle, failure"]);
});

Deno.test("the configuration and the client itself can each leave tools out, and neither adds any", () =>
  withWorkspace(async (agent) => {
    await using session = await connect(agent, {
      "outpost-allowed-tools": "read_file, process_list, coder_report_task",
    });
    const plain = await agent.get("/api/v0/mcp/tools", { "outpost-allowed-tools": "read_file" });

    const { tools } = await session.client.listTools();

    assertEquals(tools.map(({ name }) => name), ["read_file"]);
    await assertRejects(() => session.call("process_list"), Error, `Tool "process_list" not found`);
    await assertRejects(() => session.call("write_file"), Error, `Tool "write_file" not found`);
    assertEquals((await plain.json()).tools.map(({ name }: { name: string }) => name), ["outpost__read_file"]);
  }, { allowedTools: ["execute", "read_file"] }));

Deno.test("POST /task-events reports what a screen shows, in the words that were last said", async () => {
  const reports: TaskReport[] = [];
  let isDown = false;
  await using agent = await createTestAgent({
    plugins: [mcp],
    services: [fake(TaskReporter, {
      report: (status) => isDown ? Promise.reject(new Error("away")) : Promise.resolve(void reports.push(status)),
    })],
  });
  const headers = { "outpost-app-status-slug": "claude", "outpost-screen-watched": "true" };
  await using session = await connect(agent, headers);
  const see = async (body: unknown, named: Record<string, string> = headers) => {
    const response = await agent.post("/api/v0/mcp/task-events", body, named);
    return { status: response.status, body: await response.json() };
  };

  const answers = [
    await see({ state: "working" }),
    await see({ state: "working" }),
  ];
  await session.call("coder_report_task", { summary: "Thinking", link: "", state: "idle" });
  answers.push(await see({ state: "idle" }), await see({ state: "working", user_message: 7 }));
  isDown = true;
  const late = await see({ state: "idle" });

  assertEquals(answers.map(({ body }) => body.reported), [true, false, true, true]);
  assertEquals(reports.map(({ state, message }) => `${state} ${message}`), [
    "working ",
    "working Thinking",
    "idle Thinking",
    "working Thinking",
  ]);
  assertEquals([late.status, late.body.detail, late.body.code], [502, "away", "mcp_task_not_reported"]);
  assertEquals((await see({ state: "idle" }, {})).status, 400);
  assertEquals((await see({ state: "complete" })).status, 400);
});

Deno.test("POST /task-events says which plugin is missing when nothing delivers reports", async () => {
  await using agent = await createTestAgent({ plugins: [mcp] });

  const response = await agent.post("/api/v0/mcp/task-events", { state: "idle" }, {
    "outpost-app-status-slug": "claude",
  });

  assertEquals(response.status, 503);
  assertMatch((await response.json()).detail, /plugin agentsocket/);
});

Deno.test("execute runs a command and tells text and structure the same", () =>
  withWorkspace(async (agent, dir) => {
    await using session = await connect(agent);

    const { value, text, isError } = await session.call("execute", {
      command: `echo "$CODER_CHAT_AGENT $PAGER $TERM"; pwd; exit 3`,
      workdir: dir,
      timeout: "1m",
    });

    assertEquals(JSON.parse(text), value);
    assertEquals([value.success, value.exit_code, isError], [false, 3, false]);
    assertEquals(value.output, `true cat dumb\n${await Deno.realPath(dir)}\n`);
    assertEquals(await agent.metric("agent_mcp_calls_total", { tool: "execute", result: "ok" }), 1);
  }));

Deno.test("execute that runs out of time leaves the command to the process tools", () =>
  withWorkspace(async (agent) => {
    await using session = await connect(agent);

    const { value } = await session.call("execute", { command: "echo begin; exec sleep 600", timeout: "300ms" });
    const id = value.background_process_id;
    const still = await session.call("process_output", { process_id: id, wait_timeout: "0s" });
    const list = await session.call("process_list");
    const killed = await session.call("process_signal", { process_id: id, signal: "kill" });
    const ended = await session.call("process_output", { process_id: id, wait_timeout: "1m" });

    assertEquals([value.success, value.exit_code], [false, -1]);
    assertMatch(value.error, /timed out/);
    assertEquals([still.value.success, still.value.exit_code], [true, 0]);
    assertMatch(still.value.note, /still running/);
    assertEquals(list.value.processes.map(({ id, running }: { id: string; running: boolean }) => [id, running]), [[
      id,
      true,
    ]]);
    assertEquals(killed.value.success, true);
    assertEquals([ended.value.success, ended.value.exit_code, ended.value.output], [false, -1, "begin\n"]);
  }));

Deno.test("process tools say what is wrong with an id, a signal and a duration", () =>
  withWorkspace(async (agent) => {
    await using session = await connect(agent);

    const unknown = await session.call("process_output", { process_id: "nope" });
    const missing = await session.call("process_output");
    const word = await session.call("process_signal", { process_id: "nope", signal: "hup" });
    const gone = await session.call("process_signal", { process_id: "nope", signal: "kill" });
    const time = await session.call("execute", { command: "true", timeout: "soon" });

    assertEquals([unknown.isError, unknown.value.error], [false, `Process "nope" not found`]);
    assertEquals([missing.isError, missing.text], [true, "process_id is required"]);
    assertEquals([word.isError, word.text], [true, `signal must be "terminate" or "kill"`]);
    assertEquals([gone.isError, gone.value], [false, { success: false, error: `Process "nope" not found` }]);
    assertEquals(time.isError, true);
    assertMatch(time.text, /^invalid timeout: /);
  }));

Deno.test("execute tells why a command could not be started", () =>
  withWorkspace(async (agent) => {
    await using session = await connect(agent);

    const { value, isError } = await session.call("execute", { command: "true", workdir: "/no/such/place" });

    assertEquals([value.success, isError], [false, false]);
    assertMatch(value.error, /Failed to start process: .*\/no\/such\/place/);
  }));

Deno.test("file tools write, read, edit and list", () =>
  withWorkspace(async (agent, dir) => {
    await using session = await connect(agent);
    const path = join(dir, "new", "a.txt");

    const written = await session.call("write_file", { path, content: "one\ntwo\nthree" });
    const part = await session.call("read_file", { path, offset: 2, limit: 1 });
    const edits = [{ search: "two", replace: "2" }];
    const edited = await session.call("edit_files", { files: [{ path, edits }], include_diff: true });
    const bytes = await session.call("read_bytes", { path, offset: 4, limit: 2 });
    const listed = await session.call("list_directory", { path: dir });

    assertEquals(written.value, { ok: true });
    assertEquals(part.value, { content: "2\ttwo", file_size: 13, total_lines: 3, lines_read: 1 });
    assertMatch(edited.value.files[0].diff, /-two\n\+2\n/);
    assertEquals(bytes.value, { text: "2\n", media_type: "text/plain; charset=utf-8", bytes_read: 2, more: true });
    assertEquals(listed.value.contents, [{ name: "new", absolute_path_string: join(dir, "new"), is_dir: true }]);
    assertEquals(await Deno.readTextFile(path), "one\n2\nthree");
  }));

Deno.test("read_bytes gives bytes that are no text as base64", () =>
  withWorkspace(async (agent, dir) => {
    await using session = await connect(agent);
    const path = join(dir, "a.png");
    await Deno.writeFile(path, new Uint8Array([0xff, 0xfe, 0x00]));

    const { value } = await session.call("read_bytes", { path });

    assertEquals(value, { base64: "//4A", media_type: "image/png", bytes_read: 3, more: false });
  }));

Deno.test("file tools say what is wrong", () =>
  withWorkspace(async (agent, dir) => {
    await using session = await connect(agent);
    const path = join(dir, "missing");

    const calls = [
      await session.call("read_file", { path }),
      await session.call("read_file", { path: "" }),
      await session.call("read_bytes", { path }),
      await session.call("write_file", { path: dir, content: "" }),
      await session.call("edit_files", { files: [] }),
      await session.call("edit_files", { files: [{ path, edits: [{ search: "a", replace: "b" }] }] }),
      await session.call("list_directory", { path }),
      await session.call("list_directory", { path: "relative" }),
    ];

    assertEquals(calls.map(({ isError }) => isError), calls.map(() => true));
    const patterns = [
      /file does not exist/,
      /^path is required$/,
      /file does not exist/,
      /is a directory/,
      /^files is required$/,
      /file does not exist/,
      /no such file/,
      /must be absolute/,
    ];
    calls.forEach(({ text }, index) => assertMatch(text, patterns[index]!));
  }));

Deno.test("a long command reports its progress", () =>
  withWorkspace(async (agent) => {
    await using session = await connect(agent);
    const seen = Promise.withResolvers<
      { readonly progress: number; readonly total?: number; readonly message?: string }
    >();

    const call = session.client.callTool(
      { name: "execute", arguments: { command: "echo compiling; exec sleep 600", timeout: "10m" } },
      undefined,
      { onprogress: (progress) => seen.resolve(progress) },
    );
    const { total, message } = await seen.promise;
    const { value } = await session.call("process_list");
    await session.call("process_signal", { process_id: value.processes[0].id, signal: "terminate" });
    const result = await call;

    assertEquals(total, 600);
    assertMatch(message ?? "", /^running for .*: compiling$/);
    assertEquals((result.structuredContent as CommandResult | undefined)?.exit_code, -1);
  }));

/** Starts a command that never ends, cancels the call, and returns what the process service was asked for. */
async function cancelCommand(config: object): Promise<readonly string[]> {
  const asked: string[] = [];
  const waiting = Promise.withResolvers<void>();
  const processes = fake(Processes, {
    start: () => Promise.resolve({ id: "p1" }),
    output: async (_id, { signal }) => {
      waiting.resolve();
      await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
      return { output: "", running: true, output_open: true, output_bytes: 0 };
    },
    signal: (id, signal) => Promise.resolve(void asked.push(`${signal} ${id}`)),
  });
  await using agent = await createTestAgent({ plugins: [mcp], services: [processes], config: { mcp: config } });
  await using session = await connect(agent);
  const cancel = new AbortController();

  const call = session.client.callTool({ name: "execute", arguments: { command: "x", timeout: "1h" } }, undefined, {
    signal: cancel.signal,
  });
  await waiting.promise;
  cancel.abort("not needed any more");
  await assertRejects(() => call);
  // The client does not wait for the agent to have taken notice.
  while (await agent.metric("agent_mcp_calls_total", { tool: "execute", result: "cancelled" }) !== 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return asked;
}

Deno.test("a cancelled execute leaves its command alone", async () => {
  assertEquals(await cancelCommand({}), []);
});

Deno.test("a cancelled execute kills its command when the configuration says so", async () => {
  assertEquals(await cancelCommand({ killOnCancel: true }), ["kill p1"]);
});

Deno.test("two sessions live side by side and see the same processes", () =>
  withWorkspace(async (agent) => {
    await using first = await connect(agent);
    await using second = await connect(agent);

    const { value } = await first.call("execute", { command: "exec sleep 600 &" });
    const seen = await second.call("process_list");

    assert(first.transport.sessionId !== second.transport.sessionId);
    assertEquals(seen.value.processes[0].id, value.background_process_id);
    assertEquals(await agent.metric("agent_mcp_sessions"), 2);
  }));

Deno.test("a session that belongs to a chat sees that chat's processes only", () =>
  withWorkspace(async (agent) => {
    const chat = "6f1c2a34-0000-4000-8000-000000000001";
    await using own = await connect(agent, { "coder-chat-id": chat });
    await using other = await connect(agent, { "coder-chat-id": chat.replace(/1$/, "2") });

    const { value } = await own.call("execute", { command: "echo $CODER_CHAT_ID", timeout: "1m" });

    assertEquals(value.output, `${chat}\n`);
    assertEquals((await own.call("process_list")).value.processes.length, 1);
    assertEquals((await other.call("process_list")).value.processes, []);
  }));

/** Begins a session by hand, in the words of the protocol. */
async function begin(agent: TestAgent): Promise<Record<string, string>> {
  const accept = { accept: "application/json, text/event-stream" };
  const response = await agent.post("/api/v0/mcp", {
    ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } },
  }, accept);
  assertMatch(await response.text(), /"serverInfo"/);
  return { ...accept, "mcp-session-id": response.headers.get("mcp-session-id")! };
}

Deno.test("a session that was ended is not known any more", async () => {
  await using agent = await createTestAgent({ plugins: [mcp] });
  const headers = await begin(agent);

  const ended = await agent.fetch("/api/v0/mcp", { method: "DELETE", headers });
  const after = await agent.post("/api/v0/mcp", { jsonrpc: "2.0", id: 2, method: "tools/list" }, headers);

  assertEquals([ended.status, after.status], [200, 404]);
  assertEquals(await after.json(), { jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null });
  assertEquals(await agent.metric("agent_mcp_sessions_ended_total", { reason: "client" }), 1);
});

Deno.test("a request that begins no session leaves none behind", async () => {
  await using agent = await createTestAgent({ plugins: [mcp] });
  const headers = { accept: "application/json, text/event-stream" };

  const early = await agent.post("/api/v0/mcp", { jsonrpc: "2.0", id: 1, method: "tools/list" }, headers);
  const broken = await agent.post("/api/v0/mcp", "{", { ...headers, "content-type": "application/json" });

  assertEquals([early.status, broken.status], [400, 400]);
  assertEquals([(await early.json()).error.code, (await broken.json()).error.code], [-32000, -32700]);
  assertEquals(await agent.metric("agent_mcp_sessions"), 0);
});

Deno.test("one session too many closes the one that was idle longest", async () => {
  await using agent = await createTestAgent({ plugins: [mcp], config: { mcp: { maxSessions: 1 } } });
  const first = await begin(agent);
  await agent.clock.advance(1);

  await begin(agent);
  const late = await agent.post("/api/v0/mcp", { jsonrpc: "2.0", id: 2, method: "tools/list" }, first);

  assertEquals([late.status, (await late.json()).error.message], [404, "Session not found"]);
  assertEquals(await agent.metric("agent_mcp_sessions_ended_total", { reason: "full" }), 1);
  assertEquals(await agent.metric("agent_mcp_sessions"), 1);
});

Deno.test("clients that begin at the same time share the places", async () => {
  await using agent = await createTestAgent({ plugins: [mcp], config: { mcp: { maxSessions: 1 } } });

  const begun = await Promise.allSettled([begin(agent), begin(agent), begin(agent)]);

  assertEquals(begun.map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
  assertEquals(await agent.metric("agent_mcp_sessions"), 1);
  await agent.clock.advance(1);
  await begin(agent);
  assertEquals(await agent.metric("agent_mcp_sessions"), 1);
});

Deno.test("a session in use is not closed for a new one", async () => {
  await using agent = await createTestAgent({ plugins: [mcp], config: { mcp: { maxSessions: 1 } } });
  const headers = await begin(agent);
  const stream = await agent.get("/api/v0/mcp", headers);

  const refused = await agent.post("/api/v0/mcp", { jsonrpc: "2.0", id: 1, method: "initialize" });
  await stream.body?.cancel();

  assertEquals([stream.status, refused.status], [200, 429]);
  assertEquals((await refused.json()).error.message, "Too many sessions");
});

Deno.test("a session that nobody uses is closed", async () => {
  await using agent = await createTestAgent({ plugins: [mcp], config: { mcp: { idleMs: 60_000 } } });
  await begin(agent);

  await agent.clock.advance(121_000);

  assertEquals(await agent.metric("agent_mcp_sessions"), 0);
  assertEquals(await agent.metric("agent_mcp_sessions_ended_total", { reason: "idle" }), 1);
});

Deno.test("setting the machine's clock closes no session", async () => {
  await using agent = await createTestAgent({ plugins: [mcp], config: { mcp: { idleMs: 600_000 } } });
  await begin(agent);

  agent.clock.jump(3_600_000);
  await agent.clock.advance(121_000);

  assertEquals(await agent.metric("agent_mcp_sessions"), 1);
});

Deno.test("GET /tools and POST /call-tool serve programs that speak no MCP", () =>
  withWorkspace(async (agent) => {
    const { tools } = await (await agent.get("/api/v0/mcp/tools")).json();
    const called = await agent.post("/api/v0/mcp/call-tool", {
      tool_name: "outpost__execute",
      arguments: { command: "echo hi", timeout: "1m" },
    });
    const wrong = await agent.post("/api/v0/mcp/call-tool", { tool_name: "outpost__execute", arguments: {} });
    const bare = await agent.post("/api/v0/mcp/call-tool", { tool_name: "execute" });
    const unknown = await agent.post("/api/v0/mcp/call-tool", { tool_name: "other__execute" });

    assertEquals([tools[0].server_name, tools[0].name, tools[0].required], ["outpost", "outpost__execute", [
      "command",
    ]]);
    const { content, is_error } = await called.json();
    assertEquals([content[0].type, JSON.parse(content[0].text).output, is_error], ["text", "hi\n", false]);
    assertEquals(await wrong.json(), { content: [{ type: "text", text: "command is required" }], is_error: true });
    assertEquals([bare.status, unknown.status], [400, 404]);
    await Promise.all([bare.body?.cancel(), unknown.body?.cancel()]);
  }));
