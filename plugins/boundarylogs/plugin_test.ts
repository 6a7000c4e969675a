import { assertEquals, assertStringIncludes } from "@std/assert";

import { RpcError } from "../../core/rpc/drpc/error.ts";
import { Agent, type ReportBoundaryLogsRequest } from "../../core/proto/gen/agent_pb.ts";
import { definePlugin, type Env } from "../../core/plugin.ts";
import { createTestAgent, type TestAgent, TestControlPlane } from "../../core/testing/mod.ts";
import { bareFrame, batch, type BatchInit, Jail, logsFrame, socketFolder, statusFrame, urlOf } from "./_fixture.ts";
import { MAX_PAYLOAD_BYTES } from "./frame.ts";
import boundarylogs from "./mod.ts";

const SCALE = Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);
const PREFIX = "agent_boundary_log_proxy";

function startAgent(path: string, controlPlane?: TestControlPlane, config = {}): Promise<TestAgent> {
  return createTestAgent({
    plugins: [boundarylogs],
    config: { boundarylogs: { socketPath: path, ...config } },
    controlPlane,
  });
}

/** A control plane that takes boundary logs; `answer` may refuse or wait. */
function logTaker(answer: (request: ReportBoundaryLogsRequest) => unknown = () => {}): TestControlPlane {
  return new TestControlPlane().serve(Agent, {
    reportBoundaryLogs: async (request) => {
      await answer(request);
      return {};
    },
  });
}

/** One denied request, with nothing around its URL. */
function logsOf(url: string): BatchInit["logs"] {
  return [{ resource: { case: "httpRequest", value: { url } } }];
}

/** Waits for something that happens after bytes went through the kernel. */
async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(60_000);
  while (!await isTrue()) {
    limit.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function metricReaches(agent: TestAgent, name: string, value: number, labels = {}): Promise<void> {
  return eventually(async () => (await agent.metric(name, labels) ?? 0) >= value);
}

Deno.test("boundarylogs listens while it runs, for its own user only, and removes the socket afterwards", async () => {
  await using folder = await socketFolder();
  const agent = await startAgent(folder.path);

  const { mode } = await Deno.lstat(folder.path);
  (await Jail.connect(folder.path))[Symbol.dispose]();
  await agent[Symbol.asyncDispose]();

  assertEquals(mode! & 0o777, 0o600);
  assertEquals(await Deno.lstat(folder.path).catch((error) => error.name), "NotFound");
});

Deno.test("boundarylogs forwards batches of both tags from one connection in their order, unchanged", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using _agent = await startAgent(folder.path, controlPlane);
  using jail = await Jail.connect(folder.path);

  await jail.write(bareFrame(batch("https://one.example/")));
  await jail.write(logsFrame(batch("https://two.example/", 3)));
  await jail.write(logsFrame({
    logs: [{
      allowed: true,
      time: { seconds: 1767225600n, nanos: 123 },
      sequenceNumber: 9,
      resource: { case: "httpRequest", value: { method: "PUT", url: "https://three.example/", matchedRule: "any" } },
    }],
  }));

  const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 3);
  assertEquals(requests.map(urlOf), ["https://one.example/", "https://two.example/", "https://three.example/"]);
  assertEquals(requests[1].logs.map((entry: { sequenceNumber: number }) => entry.sequenceNumber), [0, 1, 2]);
  assertEquals(requests[1].sessionId, batch("").sessionId);
  const [{ allowed, time, resource, sequenceNumber }] = requests[2].logs;
  assertEquals([allowed, time.nanos, resource.value.matchedRule, sequenceNumber], [true, 123, "any", 9]);
});

Deno.test("boundarylogs takes frames byte by byte and from several connections", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using _agent = await startAgent(folder.path, controlPlane);

  for (const name of ["a", "b", "c"]) {
    using jail = await Jail.connect(folder.path);
    for (const byte of logsFrame(batch(`https://${name}.example/`))) await jail.write(Uint8Array.of(byte));
    await controlPlane.untilCalled("ReportBoundaryLogs", controlPlane.calls.length + 1);
  }

  assertEquals(controlPlane.calls.map(({ request }) => urlOf(request)), [
    "https://a.example/",
    "https://b.example/",
    "https://c.example/",
  ]);
});

Deno.test("boundarylogs closes a connection with an unknown tag or a frame that is too large, and serves the others", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using agent = await startAgent(folder.path, controlPlane);
  using good = await Jail.connect(folder.path);

  for (const header of [[222, 0, 0, 0], [1, 0, 0x80, 1]]) {
    using bad = await Jail.connect(folder.path);
    await bad.write(Uint8Array.from(header));
    await bad.closed();
  }
  await good.write(logsFrame(batch("https://good.example/")));

  await controlPlane.untilCalled("ReportBoundaryLogs");
  const count = (reason: string) => agent.metric("agent_boundarylogs_rejected_frames_total", { reason });
  assertEquals([await count("unsupported_tag"), await count("too_large")], [1, 1]);
  assertEquals(agent.logs("warn").map(({ message }) => message), [
    "boundary frame rejected",
    "boundary frame rejected",
  ]);
});

Deno.test("boundarylogs forwards a batch of exactly 32768 bytes", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using _agent = await startAgent(folder.path, controlPlane);
  using jail = await Jail.connect(folder.path);
  // Twenty bytes less than the limit leave room for the tags and lengths around the URL; the rest is found by trying.
  let url = "https://long.example/".padEnd(MAX_PAYLOAD_BYTES - 20, "x");
  const payloadBytes = () => bareFrame({ logs: logsOf(url) }).length - 4;
  while (payloadBytes() < MAX_PAYLOAD_BYTES) url += "x";

  await jail.write(bareFrame({ logs: logsOf(url) }));

  assertEquals(payloadBytes(), MAX_PAYLOAD_BYTES);
  const [request] = await controlPlane.untilCalled("ReportBoundaryLogs");
  assertEquals(urlOf(request) === url, true);
});

Deno.test("boundarylogs forwards what came before a jail that dies inside a frame, and nothing of the rest", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using agent = await startAgent(folder.path, controlPlane);
  {
    using jail = await Jail.connect(folder.path);
    await jail.write(logsFrame(batch("https://whole.example/")));
    await jail.write(logsFrame(batch("https://cut.example/")).subarray(0, 20));
    await metricReaches(agent, "agent_boundarylogs_connections", 1);
  }
  await eventually(() => Promise.resolve(agent.logs("warn").length > 0));
  using next = await Jail.connect(folder.path);
  await next.write(logsFrame(batch("https://next.example/")));

  const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 2);
  assertEquals(requests.map(urlOf), ["https://whole.example/", "https://next.example/"]);
  assertEquals(agent.logs("warn").map(({ message, fields }) => [message, fields.bytes]), [
    ["boundary connection ended inside a frame", 20],
  ]);
});

Deno.test("boundarylogs skips broken content and unknown messages and forwards what follows", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using agent = await startAgent(folder.path, controlPlane);
  using jail = await Jail.connect(folder.path);

  await jail.write(Uint8Array.of(1, 0, 0, 3, 255, 255, 255));
  await jail.write(Uint8Array.of(2, 0, 0, 4, 0x1a, 2, 8, 1));
  await jail.write(logsFrame(batch("https://after.example/")));

  const [request] = await controlPlane.untilCalled("ReportBoundaryLogs");
  assertEquals(urlOf(request), "https://after.example/");
  const count = (reason: string) => agent.metric("agent_boundarylogs_rejected_frames_total", { reason });
  assertEquals([await count("invalid"), await count("unknown_message")], [1, 1]);
  assertEquals(agent.logs("warn").length, 1);
});

Deno.test("boundarylogs counts what the jail says it lost, and forwards none of it", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using agent = await startAgent(folder.path, controlPlane);
  using jail = await Jail.connect(folder.path);

  await jail.write(statusFrame(5n, 3n));
  await jail.write(logsFrame(batch("https://after.example/")));
  await controlPlane.untilCalled("ReportBoundaryLogs");

  const lost = (reason: string) => agent.metric(`${PREFIX}_logs_dropped_total`, { reason });
  assertEquals([await lost("boundary_channel_full"), await lost("boundary_batch_full")], [5, 3]);
  assertEquals(controlPlane.calls.length, 1);
});

Deno.test("boundarylogs loses the 101st batch without a control plane, and says so", async () => {
  await using folder = await socketFolder();
  await using agent = await startAgent(folder.path);
  using jail = await Jail.connect(folder.path);

  for (let i = 0; i < 101; i++) await jail.write(logsFrame(batch(`https://${i}.example/`, 4)));

  await metricReaches(agent, `${PREFIX}_batches_dropped_total`, 1, { reason: "buffer_full" });
  assertEquals(await agent.metric(`${PREFIX}_batches_dropped_total`, { reason: "buffer_full" }), 1);
  assertEquals(await agent.metric(`${PREFIX}_logs_dropped_total`, { reason: "buffer_full" }), 4);
  assertEquals(await agent.metric("agent_boundarylogs_queued_batches"), 100);
  await agent.stop();
  const [line] = agent.logs("warn").filter(({ message }) => message.startsWith("boundary logs are lost"));
  assertEquals([line?.fields.batches, line?.fields.entries], [100, 400]);
});

Deno.test("boundarylogs loses a batch the control plane refuses, counts it, and forwards the next", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker((request) => {
    if (urlOf(request) === "https://bad.example/") throw new RpcError("batch is bad");
  });
  await using agent = await startAgent(folder.path, controlPlane);
  using jail = await Jail.connect(folder.path);

  await jail.write(logsFrame(batch("https://bad.example/", 7)));
  await jail.write(logsFrame(batch("https://good.example/")));

  await metricReaches(agent, `${PREFIX}_batches_forwarded_total`, 1);
  assertEquals(await agent.metric(`${PREFIX}_batches_forwarded_total`), 1);
  assertEquals(await agent.metric(`${PREFIX}_batches_dropped_total`, { reason: "forward_failed" }), 1);
  assertEquals(await agent.metric(`${PREFIX}_logs_dropped_total`, { reason: "forward_failed" }), 7);
  assertStringIncludes(JSON.stringify(agent.logs("warn")), "batch is bad");
});

Deno.test("boundarylogs keeps what arrives between two connections to the control plane", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using agent = await startAgent(folder.path, controlPlane);
  using jail = await Jail.connect(folder.path);
  await jail.write(logsFrame(batch("https://before.example/")));
  await controlPlane.untilCalled("ReportBoundaryLogs", 1);
  await metricReaches(agent, `${PREFIX}_batches_forwarded_total`, 1);

  await controlPlane.disconnect();
  await agent.clock.untilSleeping();
  await jail.write(logsFrame(batch("https://between.example/")));
  await metricReaches(agent, "agent_boundarylogs_queued_batches", 1);
  await agent.clock.advance(60_000);

  const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 2);
  assertEquals(requests.map(urlOf), ["https://before.example/", "https://between.example/"]);
});

Deno.test("boundarylogs forwards what is queued before the agent stops", async () => {
  await using folder = await socketFolder();
  const gate = Promise.withResolvers<void>();
  const controlPlane = logTaker(() => gate.promise);
  const agent = await startAgent(folder.path, controlPlane);
  using jail = await Jail.connect(folder.path);
  for (let i = 0; i < 20; i++) await jail.write(logsFrame(batch(`https://${i}.example/`)));
  await metricReaches(agent, "agent_boundarylogs_queued_batches", 19);

  const stopping = agent[Symbol.asyncDispose]();
  gate.resolve();
  await stopping;

  assertEquals(controlPlane.calls.length, 20);
});

Deno.test("boundarylogs loses or forwards every batch of a flood, and knows which", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using agent = await startAgent(folder.path, controlPlane, { queuedBatches: 5 });
  const sent = 2000 * SCALE;
  const jails = await Promise.all(Array.from({ length: 4 }, () => Jail.connect(folder.path)));

  await Promise.all(jails.map(async (jail) => {
    for (let i = 0; i < sent / 4; i++) await jail.write(logsFrame(batch("https://flood.example/", 3)));
    jail[Symbol.dispose]();
  }));

  const dropped = async () => await agent.metric(`${PREFIX}_batches_dropped_total`, { reason: "buffer_full" }) ?? 0;
  const forwarded = async () => await agent.metric(`${PREFIX}_batches_forwarded_total`) ?? 0;
  await eventually(async () => await dropped() + await forwarded() >= sent);
  assertEquals(await dropped() + await forwarded(), sent);
  assertEquals(controlPlane.calls.length, await forwarded());
  assertEquals(await agent.metric(`${PREFIX}_logs_dropped_total`, { reason: "buffer_full" }) ?? 0, await dropped() * 3);
});

Deno.test("boundarylogs serves a thousand connections at once, and one that never sends its payload holds nobody", async () => {
  await using folder = await socketFolder();
  const controlPlane = logTaker();
  await using agent = await startAgent(folder.path, controlPlane, { queuedBatches: 2000 });
  using silent = await Jail.connect(folder.path);
  await silent.write(Uint8Array.of(1, 0, 0x80, 0));
  const jails: Jail[] = [];
  for (let i = 0; i < 1000; i++) jails.push(await Jail.connect(folder.path));
  await metricReaches(agent, "agent_boundarylogs_connections", 1001);

  await Promise.all(jails.map((jail, i) => jail.write(logsFrame(batch(`https://${i}.example/`)))));

  const requests = await controlPlane.untilCalled("ReportBoundaryLogs", 1000);
  assertEquals(new Set(requests.map(urlOf)).size, 1000);
  for (const jail of jails) jail[Symbol.dispose]();
  await eventually(async () => await agent.metric("agent_boundarylogs_connections") === 1);
});

Deno.test("boundarylogs closes connections over its limit at once", async () => {
  await using folder = await socketFolder();
  await using agent = await startAgent(folder.path, undefined, { maxConnections: 1 });
  using _first = await Jail.connect(folder.path);
  await metricReaches(agent, "agent_boundarylogs_connections", 1);

  using second = await Jail.connect(folder.path);
  await second.closed();

  assertEquals(await agent.metric("agent_boundarylogs_refused_connections_total"), 1);
});

Deno.test("boundarylogs runs on without its socket when another server has the path", async () => {
  await using folder = await socketFolder();
  using _taken = Deno.listen({ transport: "unix", path: folder.path });

  await using agent = await startAgent(folder.path);

  assertEquals(agent.health("boundarylogs").ok, false);
  assertStringIncludes(agent.health("boundarylogs").reason ?? "", "another server answers there");
});

Deno.test("boundarylogs has no socket when the path is empty, and warns", async () => {
  await using agent = await startAgent("");

  assertEquals(agent.state("boundarylogs"), "running");
  assertEquals(agent.logs("warn").map(({ message }) => message), ["boundary log socket is off: its path is empty"]);
});

Deno.test("boundarylogs tells processes of the agent where the socket is", async () => {
  await using folder = await socketFolder();
  let env: Env | undefined;
  const probe = definePlugin({
    id: "probe",
    version: "1.0.0",
    api: 1,
    summary: "Builds an environment.",
    stability: "stable",
    setup: (ctx) => void (env = ctx.env),
  });
  await using _agent = await createTestAgent({
    plugins: [boundarylogs, probe],
    config: { boundarylogs: { socketPath: folder.path } },
  });

  const variables = await env!.build();

  assertEquals(variables.CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH, folder.path);
});
