/**
 * The agent's two sockets, used by a Go program with the libraries that existing programs use.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

import { Agent, type BoundaryLog } from "../../core/proto/gen/agent_pb.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import { createTestAgent, TestControlPlane } from "../../core/testing/mod.ts";
import { parseAgentsFile } from "../../examples/control-plane/agents_file.ts";
import { startControlPlane } from "../../examples/control-plane/control_plane.ts";
import agentsocket from "../../plugins/agentsocket/mod.ts";
import boundarylogs from "../../plugins/boundarylogs/mod.ts";
import { GoProgram, needsGo } from "./go_program.ts";

Deno.test("a Go program waits for units and reports a task over the agent socket", needsGo, async () => {
  await using program = await GoProgram.build();
  const agentSocket = `${program.folder}/agent.sock`;
  const controlPlane = new TestControlPlane().serve(Agent, {
    updateAppStatus: ({ slug }) => {
      if (slug !== "app") throw new RpcError("no such app", 5n);
      return {};
    },
  });
  await using agent = await createTestAgent({
    plugins: [agentsocket],
    agent: { listen: { tcp: null, unix: null, agentSocket } },
    controlPlane,
  });
  await connected(controlPlane);

  await program.check("call-agent-socket", agentSocket);

  const [{ slug, state, message, uri }] = await controlPlane.untilCalled("UpdateAppStatus");
  assertEquals({ slug, state, message, uri }, { slug: "app", state: 1, message: "hi", uri: "https://example.com/1" });
  const started = { method: "syncStart", outcome: "ok" };
  assertEquals(await agent.metric("agent_agentsocket_calls_total", started), 52);
});

Deno.test(
  "a Go program hands over audit entries as the network jail does, and all arrive in order",
  needsGo,
  async () => {
    await using program = await GoProgram.build();
    const socketPath = `${program.folder}/boundary.sock`;
    const controlPlane = new TestControlPlane().serve(Agent, { reportBoundaryLogs: () => ({}) });
    await using agent = await createTestAgent({
      plugins: [boundarylogs],
      config: { boundarylogs: { socketPath } },
      controlPlane,
    });
    await connected(controlPlane);

    await program.check("send-boundary-logs", socketPath, "503");

    const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 51);
    assertEquals(requests.map(({ logs }) => logs.length), [...Array(50).fill(10), 3]);
    const entries: BoundaryLog[] = requests.flatMap(({ logs }) => logs);
    assertEquals(entries.map(({ sequenceNumber }) => sequenceNumber), entries.map((_, i) => i));
    assertEquals(entries.map(({ allowed }) => allowed), entries.map((_, i) => i % 2 === 0));
    assertEquals(entries[502]?.resource.value?.matchedRule, "domain=example.com");
    assertEquals(entries[501]?.resource.value?.matchedRule, "");
    const lost = (reason: string) => agent.metric("agent_boundary_log_proxy_logs_dropped_total", { reason });
    assertEquals([await lost("boundary_channel_full"), await lost("boundary_batch_full")], [5, 3]);
  },
);

Deno.test("a Go agent lives at the reference control plane, which shows all it said", needsGo, async () => {
  const token = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
  const file = {
    statsIntervalSeconds: 11,
    agents: [{
      ...{ name: "dev", token },
      scripts: [{ name: "Prepare", script: "true", runOnStart: true }],
      apps: [{ slug: "web", healthcheck: { url: "http://127.0.0.1:1", intervalSeconds: 5, threshold: 1 } }],
      metadata: [{ key: "load", script: "true", intervalSeconds: 7 }],
    }],
  };
  await using program = await GoProgram.build();
  await using plane = startControlPlane({ agents: parseAgentsFile(JSON.stringify(file), "test"), logSink: () => {} });
  const headers = { authorization: `Bearer ${plane.token}` };
  const ask = async (path: string) => await (await fetch(plane.address + path, { headers })).json();

  let live, logs, metrics;
  {
    await using _agent = await program.serve("run-agent", plane.address, token);
    [live, { logs }, { metrics }] = await Promise.all(
      ["", "/logs", "/metrics"].map((part) => ask(`/api/agents/dev${part}`)),
    );
  }
  const end = await ask("/api/agents/dev");

  assertEquals([live.connection, live.lifecycle, live.ready_at !== undefined], ["connected", "ready", true]);
  const { received_at: _, ...startup } = live.startup;
  assertEquals(startup, {
    ...{ version: "v2.99.0", api_version: "2.10", directory: "/home/go" },
    subsystems: ["envbox", "envbuilder"],
  });
  assertEquals(logs.map((line: Record<string, string>) => [line.level, line.output]), [["info", "one"], [
    "error",
    "two",
  ]]);
  assertEquals(
    live.timings.map((each: Record<string, unknown>) => [each.script, each.stage, each.status, each.exit_code]),
    [
      ["Prepare", "start", "exit_failure", 7],
    ],
  );
  assertEquals(live.metadata.map((each: Record<string, string>) => [each.key, each.value, each.error]), [
    ["load", "0.42", "run cmd: exit status 1"],
  ]);
  assertEquals(live.apps.map((each: Record<string, string>) => [each.slug, each.health]), [["web", "unhealthy"]]);
  const { connection_count: connections, connection_median_latency_ms: latency, session_count_ssh: ssh } = live.stats;
  assertEquals([connections, latency, ssh], [3, -0.001, 2]);
  assertEquals(metrics, [{ name: "a_total", type: "counter", value: 4.5, labels: {} }]);
  assertEquals(end.lifecycle_history.map(({ state }: Record<string, string>) => state), [
    ...["starting", "ready", "shutting_down", "off"],
  ]);
});

/** Resolves when the agent can call the control plane. */
async function connected(controlPlane: TestControlPlane): Promise<void> {
  await controlPlane.until(() => controlPlane.isConnected);
  // The agent learns of its own connection in the same turn of the event loop, or the next.
  await new Promise((resolve) => setImmediate(resolve));
}
