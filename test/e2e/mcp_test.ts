import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";

// @ts-types="@modelcontextprotocol/sdk/client"
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { type AgentProcess, ROOT, runAgent, startAgent } from "../agent_process.ts";

/** Longest wait for a call, in milliseconds; it only ends hangs. */
const HANG_MS = 120_000;

// deno-lint-ignore no-explicit-any -- tests look into results of every shape
async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<any> {
  const result = await client.callTool({ name, arguments: args }, undefined, { timeout: HANG_MS });
  return result.structuredContent;
}

function overHttp(agent: AgentProcess, token = agent.token): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(`${agent.http}/api/v0/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    // Its timers would outlive the test.
    reconnectionOptions: {
      ...{ initialReconnectionDelay: 1, maxReconnectionDelay: 1 },
      ...{ reconnectionDelayGrowFactor: 1, maxRetries: 0 },
    },
  });
}

Deno.test("an MCP client works over HTTP with the token, and not without", async () => {
  await using agent = await startAgent();
  const client = new Client({ name: "test", version: "1.0.0" });
  const transport = overHttp(agent);
  await client.connect(transport);

  const { tools } = await client.listTools();
  const done = await call(client, "execute", { command: "echo hi", timeout: "1m" });
  await transport.terminateSession();
  await client.close();

  assertEquals([tools.length, done.output], [10, "hi\n"]);
  const stranger = new Client({ name: "test", version: "1.0.0" });
  await assertRejects(() => stranger.connect(overHttp(agent, "wrong")), Error);
  await stranger.close();
});

Deno.test("a client that goes away in the middle of a call leaves the command to the next one", async () => {
  await using agent = await startAgent();
  const first = new Client({ name: "first", version: "1.0.0" });
  await first.connect(overHttp(agent));
  const begun = Promise.withResolvers<void>();
  const lost = first.callTool(
    { name: "execute", arguments: { command: "echo begun; exec sleep 600", timeout: "10m" } },
    undefined,
    { onprogress: () => begun.resolve(), timeout: HANG_MS },
  );
  await begun.promise;

  await Promise.all([assertRejects(() => lost), first.close()]);

  const second = new Client({ name: "second", version: "1.0.0" });
  const transport = overHttp(agent);
  await second.connect(transport);
  const [process] = (await call(second, "process_list")).processes;
  const output = await call(second, "process_output", { process_id: process.id, wait_timeout: "0s" });
  await call(second, "process_signal", { process_id: process.id, signal: "kill" });
  await transport.terminateSession();
  await second.close();
  assertEquals([process.running, output.output], [true, "begun\n"]);
});

// The client of the SDK leaves a timer behind when it ends its child.
Deno.test(
  "outpost mcp serves a client on standard input and output",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await using agent = await startAgent();
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(
      new StdioClientTransport({
        command: Deno.execPath(),
        args: ["run", "-A", "--no-prompt", join(ROOT, "main.ts"), "mcp"],
        env: { ...agent.env },
        cwd: agent.dir,
        stderr: "ignore",
      }),
    );
    const path = join(agent.dir, "a.txt");

    const { tools } = await client.listTools();
    const written = await call(client, "write_file", { path, content: "one\ntwo\n" });
    const read = await call(client, "read_file", { path, offset: 2, limit: 1 });
    const run = await call(client, "execute", { command: "cat a.txt", timeout: "1m" });
    const messages: string[] = [];
    await client.callTool({ name: "execute", arguments: { command: "sleep 1.5", timeout: "1m" } }, undefined, {
      onprogress: ({ message }) => void messages.push(message ?? ""),
      timeout: HANG_MS,
    });
    await client.close();

    assertEquals(tools.length, 10);
    assertEquals([written, read.content, run.output], [{ ok: true }, "2\ttwo", "one\ntwo\n"]);
    assertMatch(run.note, /read_file/);
    assertMatch(messages[0] ?? "", /^running for /);
  },
);

Deno.test(
  "outpost mcp offers only the tools that were asked for, and its own words about them",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await using agent = await startAgent();
    const client = new Client({ name: "test", version: "1.0.0" });
    const transport = new StdioClientTransport({
      command: Deno.execPath(),
      args: [
        ...["run", "-A", "--no-prompt", join(ROOT, "main.ts"), "mcp"],
        ...["--allowed-tools", "read_file,reed_file", "--instructions", "Look, do not touch"],
      ],
      env: { ...agent.env },
      cwd: agent.dir,
      stderr: "pipe",
    });
    let stderr = "";
    transport.stderr?.on("data", (chunk) => void (stderr += String(chunk)));
    await client.connect(transport);

    const { tools } = await client.listTools();
    const instructions = client.getInstructions();
    await client.close();

    assertEquals([tools.map(({ name }) => name), instructions], [["read_file"], "Look, do not touch"]);
    assertMatch(stderr, /There is no tool "reed_file" \(did you mean "read_file"\?\)/);
    assertMatch(stderr, /Task reporter {2}: Disabled \(no --app-status-slug\)/);
  },
);

Deno.test("outpost mcp says how to start an agent when none runs", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const env = { PATH: Deno.env.get("PATH")!, HOME: Deno.env.get("HOME")!, XDG_RUNTIME_DIR: dir };

    const { code, stdout, stderr } = await runAgent(["mcp"], { env, cwd: dir });

    assertEquals([code, stdout], [1, []]);
    assertMatch(stderr.join("\n"), /Cannot find a running agent[^]*Start one with: .* start/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
