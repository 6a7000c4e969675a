import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { Agent, type ReportBoundaryLogsRequest } from "../../core/proto/gen/agent_pb.ts";
import { createTestAgent, type TestAgent, TestControlPlane } from "../../core/testing/mod.ts";
import { batch, Jail, logsFrame, socketFolder, urlOf } from "./_fixture.ts";
import boundarylogs from "./mod.ts";

interface Place {
  /** Path of the socket; the journal is beside it. */
  readonly path: string;
}

function startAgent({ path }: Place, controlPlane?: TestControlPlane, spill = {}): Promise<TestAgent> {
  return createTestAgent({
    plugins: [boundarylogs],
    config: {
      boundarylogs: {
        socketPath: path,
        queuedBatches: 3,
        spill: { enabled: true, directory: `${path}.journal`, ...spill },
      },
    },
    controlPlane,
  });
}

function logTaker(answer: (request: ReportBoundaryLogsRequest) => unknown = () => {}): TestControlPlane {
  return new TestControlPlane().serve(Agent, {
    reportBoundaryLogs: async (request) => {
      await answer(request);
      return {};
    },
  });
}

async function metricReaches(agent: TestAgent, name: string, value: number, labels = {}): Promise<void> {
  const limit = AbortSignal.timeout(60_000);
  while ((await agent.metric(name, labels) ?? 0) < value) {
    limit.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const SPILLED = "agent_boundarylogs_journal_spilled_batches_total";
const REPLAYED = "agent_boundarylogs_journal_replayed_batches_total";

async function send(path: string, from: number, to: number): Promise<void> {
  using jail = await Jail.connect(path);
  for (let i = from; i < to; i++) await jail.write(logsFrame(batch(`https://${i}.example/`)));
}

function urls(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `https://${from + i}.example/`);
}

Deno.test("boundarylogs with spill keeps batches on disk while the control plane is away, and sends them in order", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  controlPlane.refusal = new Error("away");
  await using agent = await startAgent(folder, controlPlane);
  await agent.clock.untilSleeping();
  await send(folder.path, 0, 30);
  await metricReaches(agent, SPILLED, 30);

  controlPlane.refusal = undefined;
  await agent.clock.advance(60_000);
  const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 30);
  await metricReaches(agent, REPLAYED, 30);
  await send(folder.path, 30, 33);

  await controlPlane.untilCalled("ReportBoundaryLogs", 33);
  assertEquals(requests.map(urlOf), urls(0, 30));
  assertEquals(controlPlane.calls.map(({ request }) => urlOf(request)), urls(0, 33));
  assertEquals([await agent.metric(SPILLED), await agent.metric("agent_boundarylogs_journal_bytes")], [30, 0]);
});

Deno.test("boundarylogs with spill keeps what is over its memory when the control plane is slow, and the order", async () => {
  await using folder = await socketFolder();
  const gate = Promise.withResolvers<void>();
  const controlPlane = logTaker(() => gate.promise);
  await using agent = await startAgent(folder, controlPlane);
  await send(folder.path, 0, 1);
  await controlPlane.untilCalled("ReportBoundaryLogs", 1);

  await send(folder.path, 1, 20);
  await metricReaches(agent, SPILLED, 16);
  gate.resolve();

  const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 20);
  assertEquals(requests.map(urlOf), urls(0, 20));
  assertEquals(await agent.metric("agent_boundary_log_proxy_batches_dropped_total", { reason: "buffer_full" }) ?? 0, 0);
});

Deno.test("boundarylogs with spill sends after a restart what it could not send before", async () => {
  await using folder = await socketFolder();
  const away = await startAgent(folder);
  await send(folder.path, 0, 10);
  await metricReaches(away, SPILLED, 10);
  await away[Symbol.asyncDispose]();
  const controlPlane = logTaker();

  await using _agent = await startAgent(folder, controlPlane);

  const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 10);
  assertEquals(requests.map(urlOf), urls(0, 10));
});

Deno.test("boundarylogs with spill sends a batch again whose connection broke before the answer", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker(async (request) => {
    if (urlOf(request) === "https://1.example/" && controlPlane.connections === 1) await controlPlane.disconnect();
  });
  await using agent = await startAgent(folder, controlPlane);
  await send(folder.path, 0, 3);

  await agent.clock.untilSleeping();
  await agent.clock.advance(60_000);

  await controlPlane.untilCalled("ReportBoundaryLogs", 4);
  assertEquals(controlPlane.calls.map(({ request }) => urlOf(request)), [...urls(0, 2), ...urls(1, 3)]);
  assertEquals(
    await agent.metric("agent_boundary_log_proxy_batches_dropped_total", { reason: "forward_failed" }) ?? 0,
    0,
  );
});

Deno.test("boundarylogs with spill writes what waits in memory to disk when it stops, in front of the rest", async () => {
  await using folder = await socketFolder();
  const gate = Promise.withResolvers<void>();
  const slow = logTaker(() => gate.promise);
  const first = await startAgent(folder, slow);
  await send(folder.path, 0, 1);
  await slow.untilCalled("ReportBoundaryLogs", 1);
  await send(folder.path, 1, 10);
  await metricReaches(first, SPILLED, 6);
  await slow.disconnect();
  await first[Symbol.asyncDispose]();
  gate.resolve();
  const controlPlane = logTaker();

  await using _second = await startAgent(folder, controlPlane);

  const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 10);
  assertEquals(requests.map(urlOf), urls(0, 10));
});

Deno.test("boundarylogs with spill loses what is over the limit, and counts it", async () => {
  await using folder = await socketFolder();
  await using agent = await startAgent(folder, undefined, { maxBytes: 64 * 1024 });
  const frame = logsFrame(batch(`https://example.com/${"x".repeat(20_000)}`));
  using jail = await Jail.connect(folder.path);

  for (let i = 0; i < 5; i++) await jail.write(frame);

  const lost = { reason: "buffer_full" };
  await metricReaches(agent, "agent_boundary_log_proxy_batches_dropped_total", 2, lost);
  assertEquals(await agent.metric(SPILLED), 3);
  assertEquals(await agent.metric("agent_boundary_log_proxy_batches_dropped_total", lost), 2);
  assertEquals(await agent.metric("agent_boundarylogs_journal_lost_batches_total", { reason: "full" }), 2);
});

Deno.test("boundarylogs runs without its journal when the directory cannot be used, and says so", async () => {
  await using folder = await socketFolder();
  const file = join(`${folder.path}.file`);
  await Deno.writeTextFile(file, "");
  await using agent = await startAgent(folder, undefined, { directory: file });

  assertStringIncludes(agent.health("boundarylogs").reason ?? "", "no journal for boundary logs");
  await send(folder.path, 0, 4);

  await metricReaches(agent, "agent_boundary_log_proxy_batches_dropped_total", 1, { reason: "buffer_full" });
  assertEquals(await agent.metric("agent_boundarylogs_queued_batches"), 3);
});
