/**
 * What processes of a workspace report through the agent, as it arrives at the reference control plane.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";

// @ts-types="@modelcontextprotocol/sdk/client"
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import type { BoundaryLogSchema } from "../../core/proto/gen/agent_pb.ts";
import { BoundaryMessageSchema } from "../../core/proto/gen/boundary_pb.ts";
import { parseAgentsFile } from "../../examples/control-plane/agents_file.ts";
import { type ControlPlane, startControlPlane } from "../../examples/control-plane/control_plane.ts";
import { encodeFrame, FrameTag } from "../../plugins/boundarylogs/frame.ts";
import { type AgentProcess, ROOT, startAgent } from "../agent_process.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const SESSION = "6ad9d8c1-4b0c-4e0a-9a4e-0f2d6a1c7b11";
const AGENTS = parseAgentsFile(
  `{ "agents": [{ "name": "dev", "token": "${TOKEN}", "apps": [{ "slug": "claude" }] }] }`,
  "test",
);
/** Longest wait for anything, in milliseconds; it only ends hangs. */
const HANG_MS = 120_000;

interface AgentView {
  readonly lifecycle: string;
  readonly apps: readonly { readonly slug: string; readonly status?: Status }[];
  readonly app_statuses: readonly Status[];
}
interface Status {
  readonly slug: string;
  readonly state: string;
  readonly message: string;
  readonly uri: string;
}

async function ask<T>(plane: ControlPlane, path: string): Promise<T> {
  const response = await fetch(plane.address + path, { headers: { authorization: `Bearer ${plane.token}` } });
  return await response.json() as T;
}

/** Looks again whenever the control plane tells of a change. */
async function until<T>(plane: ControlPlane, path: string, isTrue: (answer: T) => boolean): Promise<T> {
  const response = await fetch(`${plane.address}/api/events`, {
    headers: { authorization: `Bearer ${plane.token}` },
    signal: AbortSignal.timeout(HANG_MS),
  });
  for await (const _ of response.body!) {
    const answer = await ask<T>(plane, path);
    if (isTrue(answer)) return answer;
  }
  throw new Error("the stream of events ended");
}

function startAgentOf(plane: ControlPlane, env: Record<string, string> = {}): Promise<AgentProcess> {
  return startAgent({ env: { CODER_AGENT_URL: plane.address, CODER_AGENT_TOKEN: TOKEN, ...env } });
}

// The client of the SDK leaves a timer behind when it ends its child, as does the wait for events.
const LOOSE = { sanitizeOps: false, sanitizeResources: false };

Deno.test("coder_report_task of outpost mcp is stored by the control plane and shown with its app", LOOSE, async () => {
  await using plane = startControlPlane({ agents: AGENTS, logSink: () => {} });
  await using agent = await startAgentOf(plane);
  await until<AgentView>(plane, "/api/agents/dev", ({ lifecycle }) => lifecycle === "ready");
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(
    new StdioClientTransport({
      command: Deno.execPath(),
      args: ["run", "-A", "--no-prompt", join(ROOT, "main.ts"), "mcp", "--app-status-slug", "claude"],
      env: { ...agent.env },
      cwd: agent.dir,
      stderr: "ignore",
    }),
  );
  const report = async (summary: string, link: string, state: string) => {
    const result = await client.callTool(
      { name: "coder_report_task", arguments: { summary, link, state } },
      undefined,
      { timeout: HANG_MS },
    );
    return result.structuredContent;
  };

  const done = [
    await report("Reading the code", "", "working"),
    await report("Opened a change", "https://example.com/1", "complete"),
  ];
  const shown = await until<AgentView>(plane, "/api/agents/dev", (view) => view.app_statuses.length === 2);
  await plane.close();
  const late = await client.callTool(
    { name: "coder_report_task", arguments: { summary: "late", link: "", state: "idle" } },
    undefined,
    { timeout: HANG_MS },
  );
  await client.close();

  assertEquals(done, [{ message: "Thanks for reporting!" }, { message: "Thanks for reporting!" }]);
  assertEquals(shown.app_statuses.map(({ slug, state, message, uri }) => [slug, state, message, uri]), [
    ["claude", "working", "Reading the code", ""],
    ["claude", "complete", "Opened a change", "https://example.com/1"],
  ]);
  assertEquals(shown.apps.map(({ slug, status }) => [slug, status]), [["claude", shown.app_statuses[1]]]);
  assertEquals(late.isError, true);
  assertMatch(JSON.stringify(late.content), /connect/);
});

Deno.test("the screen of a terminal agent, watched by outpost mcp, becomes reports of its app", LOOSE, async () => {
  await using plane = startControlPlane({ agents: AGENTS, logSink: () => {} });
  await using agent = await startAgentOf(plane);
  await until<AgentView>(plane, "/api/agents/dev", ({ lifecycle }) => lifecycle === "ready");
  const screen = new TransformStream<string, string>();
  const events = screen.writable.getWriter();
  const show = (event: string, data: unknown) => events.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  await using agentApi = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) =>
      new URL(request.url).pathname === "/events"
        ? new Response(screen.readable.pipeThrough(new TextEncoderStream()))
        : new Response(null, { status: 404 }),
  );
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(
    new StdioClientTransport({
      command: Deno.execPath(),
      args: [
        ...["run", "-A", "--no-prompt", join(ROOT, "main.ts"), "mcp", "--app-status-slug", "claude"],
        ...["--ai-agentapi-url", `http://127.0.0.1:${agentApi.addr.port}`],
      ],
      env: { ...agent.env },
      cwd: agent.dir,
      stderr: "ignore",
    }),
  );
  const reported = (count: number) =>
    until<AgentView>(plane, "/api/agents/dev", (view) => view.app_statuses.length === count);

  await show("status_change", { status: "running" });
  await reported(1);
  await client.callTool(
    { name: "coder_report_task", arguments: { summary: "Waiting, I say", link: "", state: "idle" } },
    undefined,
    { timeout: HANG_MS },
  );
  await show("status_change", { status: "stable" });
  await reported(3);
  await show("message_update", { id: 1, role: "user", message: "go on" });
  const { app_statuses: statuses } = await reported(4);
  await client.close();
  await events.abort().catch(() => {}); // The reader is gone with the client.

  assertEquals(statuses.map(({ state, message }) => `${state} ${message}`.trim()), [
    "working",
    "working Waiting, I say",
    "idle Waiting, I say",
    "working Waiting, I say",
  ]);
});

for (const [what, sessionId] of [["a session", SESSION], ["no session", ""]] as const) {
  Deno.test(
    `a jail's entries with ${what} become audit lines and stored entries of the control plane`,
    LOOSE,
    async () => {
      const dir = await Deno.makeTempDir();
      const audit: Record<string, unknown>[] = [];
      {
        await using plane = startControlPlane({
          agents: AGENTS,
          logSink: ({ rawMessage, properties }) => {
            if (rawMessage === "boundary_request") audit.push(properties);
          },
        });
        const socket = join(dir, "boundary.sock");
        await using _agent = await startAgentOf(plane, { CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH: socket });
        await until<AgentView>(plane, "/api/agents/dev", ({ lifecycle }) => lifecycle === "ready");
        using jail = await Deno.connect({ transport: "unix", path: socket });
        const time = { seconds: 1767225600n, nanos: 5000 };
        const logs: MessageInitShape<typeof BoundaryLogSchema>[] = [
          {
            ...{ allowed: true, time, sequenceNumber: 0 },
            resource: {
              case: "httpRequest",
              value: { method: "GET", url: "https://a.example/x", matchedRule: "domain=a.example" },
            },
          },
          {
            ...{ allowed: false, time, sequenceNumber: 1 },
            resource: { case: "httpRequest", value: { method: "POST", url: "https://b.example/y" } },
          },
        ];

        const message = create(BoundaryMessageSchema, { msg: { case: "logs", value: { sessionId, logs } } });
        const frame = encodeFrame(FrameTag.envelope, toBinary(BoundaryMessageSchema, message));
        for (let rest = frame; rest.length > 0;) rest = rest.subarray(await jail.write(rest));

        const { entries: stored } = await until<{ entries: Record<string, unknown>[] }>(
          plane,
          "/api/agents/dev/boundary",
          (answer) => answer.entries.length === 2,
        );
        assertEquals(stored.map((each) => [each.decision, each.host, each.session_id, each.matched_rule]), [
          ["allow", "a.example", sessionId, "domain=a.example"],
          ["deny", "b.example", sessionId, undefined],
        ]);
      }
      await Deno.remove(dir, { recursive: true });
      const [definition] = AGENTS.agents;
      const common = {
        owner: definition!.owner,
        workspace_name: definition!.workspace,
        agent_name: "dev",
        session_id: sessionId,
        workspace_id: definition!.workspaceId,
        template_id: definition!.templateId,
        template_version_id: definition!.templateVersionId,
        event_time: "2026-01-01T00:00:00.000005Z",
      };
      const lines = audit.map(({ request_id: _, ...fields }) => fields);
      assertEquals(lines, [
        {
          ...common,
          ...{ decision: "allow", sequence_number: 0, http_method: "GET", http_url: "https://a.example/x" },
          matched_rule: "domain=a.example",
        },
        {
          ...common,
          ...{ decision: "deny", sequence_number: 1, http_method: "POST", http_url: "https://b.example/y" },
        },
      ]);
      for (const { request_id: id } of audit) assertMatch(String(id), /^[0-9a-f-]{36}$/);
    },
  );
}

Deno.test(
  "statistics, metadata, app health and resources of an agent are stored by the control plane and shown",
  LOOSE,
  async () => {
    await using app = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("well"));
    const url = `http://127.0.0.1:${app.addr.port}`;
    const file = {
      statsIntervalSeconds: 1,
      agents: [{
        ...{ name: "dev", token: TOKEN },
        metadata: [{ key: "pair", script: "echo value; exit 4", intervalSeconds: 0 }],
        apps: [{ slug: "web", url, healthcheck: { url, intervalSeconds: 1, threshold: 1 } }, { slug: "plain" }],
        monitor: { memory: true, volumes: ["/"], datapoints: 2, intervalSeconds: 1 },
      }],
    };
    await using plane = startControlPlane({ agents: parseAgentsFile(JSON.stringify(file), "test"), logSink: () => {} });
    await using _agent = await startAgentOf(plane);

    const view = await until<Reported>(
      plane,
      "/api/agents/dev",
      ({ stats, metadata, apps, usage }) =>
        stats !== undefined && metadata[0]!.error !== "" && apps[0]!.health === "healthy" && usage.length >= 3,
    );
    const { metrics } = await ask<{ metrics: readonly { name: string; value: number }[] }>(
      plane,
      "/api/agents/dev/metrics",
    );

    assertEquals(view.metadata.map(({ value, error }) => [value, error]), [["value", "run cmd: exit status 4"]]);
    assertEquals(view.apps.map(({ slug, health }) => [slug, health]), [["web", "healthy"], ["plain", "disabled"]]);
    assertEquals([view.stats!.session_count_ssh, view.stats!.connection_median_latency_ms], [0, -1]);
    assertEquals(metrics.find(({ name }) => name === "agent_build_info")?.value, 1);
    const { memory, volumes } = view.usage.at(-1)!;
    assertEquals(memory.used > 0 && memory.used < memory.total, true);
    assertEquals(volumes.map(({ volume }) => volume), ["/"]);
  },
);

interface Reported {
  readonly stats?: Readonly<Record<string, number>>;
  readonly metadata: readonly { readonly value: string; readonly error: string }[];
  readonly apps: readonly { readonly slug: string; readonly health: string }[];
  readonly usage: readonly {
    readonly memory: { readonly used: number; readonly total: number };
    readonly volumes: readonly { readonly volume: string }[];
  }[];
}
