/**
 * The agent's two sockets, used by a Go program with the libraries that existing programs use.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

import { Agent, type BoundaryLog } from "../../core/proto/gen/agent_pb.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import { createTestAgent, TestControlPlane } from "../../core/testing/mod.ts";
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

/** Resolves when the agent can call the control plane. */
async function connected(controlPlane: TestControlPlane): Promise<void> {
  await controlPlane.until(() => controlPlane.isConnected);
  // The agent learns of its own connection in the same turn of the event loop, or the next.
  await new Promise((resolve) => setImmediate(resolve));
}
