/** What the reporting plugin tells a control plane, together with the plugin that knows the manifest, over the real protocol. */
import { assert, assertEquals } from "@std/assert";

import type { ServiceImplementation } from "../core/plugin.ts";
import { Agent, AppHealth, Stats_Metric_Type, WorkspaceApp_Health } from "../core/proto/gen/agent_pb.ts";
import { parseVersion } from "../core/rpc/api_version.ts";
import { RpcError } from "../core/rpc/drpc/error.ts";
import { createTestAgent, fake, type TestAgent, TestControlPlane } from "../core/testing/mod.ts";
import { uuidBytes } from "../core/uuid.ts";
import controlplane from "../plugins/controlplane/mod.ts";
import { SshTransport } from "../plugins/ssh/service.ts";
import { TerminalViewers } from "../plugins/terminals/service.ts";
import reporting from "../plugins/reporting/mod.ts";

type AgentService = ServiceImplementation<typeof Agent>;

const APP_ID = "21020304-0506-0708-090a-0b0c0d0e0f10";

/**
 * Coder's control plane counts the seconds of metadata in nanoseconds. Scripts take real time, during which a test may move the
 * agent's: the timeout is far away.
 */
function metadatum(key: string, script: string, seconds = 0) {
  return { key, script, interval: { nanos: seconds }, timeout: { nanos: 999_999_999 } };
}

function planeWith(manifest: Record<string, unknown> = {}, more: Partial<AgentService> = {}): TestControlPlane {
  return new TestControlPlane().serve(Agent, {
    getManifest: () => ({ agentId: uuidBytes("01020304-0506-0708-090a-0b0c0d0e0f10"), ...manifest }),
    updateStartup: (request) => request.startup ?? {},
    updateLifecycle: (request) => request.lifecycle ?? {},
    getAnnouncementBanners: () => ({}),
    updateStats: () => ({ reportInterval: { seconds: 30n } }),
    batchUpdateMetadata: () => ({}),
    batchUpdateAppHealths: () => ({}),
    getResourcesMonitoringConfiguration: () => ({}),
    pushResourcesMonitoringUsage: () => ({}),
    ...more,
  });
}

function callsOf(plane: TestControlPlane, method: string) {
  return plane.calls.filter((call) => call.method === method).map(({ request }) => request);
}

/** The newest value and error of each key, in the order they arrived. */
function valuesOf(plane: TestControlPlane): readonly string[] {
  const all = callsOf(plane, "BatchUpdateMetadata").flatMap(({ metadata }) => metadata);
  return all.map(({ key, result }) => `${key}: ${result.value.trim()}${result.error}`);
}

/** Resolves when so many scripts have ended. Their time is their own: the agent's stands still meanwhile. */
async function untilCollected(agent: TestAgent, count: number): Promise<void> {
  const ended = async (outcome: string) =>
    await agent.metric("agent_reporting_metadata_collections_total", { outcome });
  while ((await ended("ok") ?? 0) + (await ended("failed") ?? 0) < count) await turn();
}

/** Moves time on until the agent has connected so often. */
async function untilConnected(agent: TestAgent, controlPlane: TestControlPlane, count: number): Promise<void> {
  for (; controlPlane.connections < count; await turn()) await agent.clock.advance(1000);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

Deno.test("reporting asks for the interval with an empty report, reports at it, and takes a new one", async () => {
  const intervals = [30n, 30n, 60n];
  const times: number[] = [];
  const controlPlane = planeWith({}, {
    updateStats: () => {
      times.push(agent.clock.now());
      return { reportInterval: { seconds: intervals.shift() ?? 60n } };
    },
  });
  await using agent = await createTestAgent({ plugins: [reporting], controlPlane });
  const [first] = await controlPlane.untilCalled("UpdateStats");
  const start = agent.clock.now();

  await agent.clock.advance(180_000);

  assertEquals(first.stats, undefined);
  assertEquals(times.map((at) => (at - start) / 1000), [0, 30, 60, 120, 180]);
  assert(callsOf(controlPlane, "UpdateStats").slice(1).every(({ stats }) => stats !== undefined));
});

Deno.test("reporting sends sessions, connections, traffic and the agent's metrics, and no latency", async () => {
  const controlPlane = planeWith();
  const services = [
    fake(SshTransport, {
      sessions: () => ({ ssh: 2, vscode: 1, jetbrains: 5 }),
      connections: () => 3,
      traffic: () => ({ received: 10, sent: 20 }),
    }),
    fake(TerminalViewers, { count: () => 4, traffic: () => ({ received: 1, sent: 2 }) }),
  ];
  await using agent = await createTestAgent({ plugins: [reporting], controlPlane, services });
  await controlPlane.untilCalled("UpdateStats");

  await agent.clock.advance(30_000);
  const [, { stats }] = await controlPlane.untilCalled("UpdateStats", 2);

  assertEquals([stats.sessionCountSsh, stats.sessionCountVscode, stats.sessionCountJetbrains], [2n, 1n, 5n]);
  assertEquals(stats.sessionCountReconnectingPty, 4n);
  assertEquals([stats.connectionCount, stats.connectionsByProto], [7n, { TCP: 7n }]);
  assertEquals([stats.rxBytes, stats.txBytes, stats.connectionMedianLatencyMs], [11n, 22n, -1]);
  const reports = stats.metrics.find((each: { name: string }) => each.name === "agent_reporting_reports_total");
  assertEquals([reports.type, reports.value], [Stats_Metric_Type.COUNTER, 1]);
  assertEquals(reports.labels.map(({ name, value }: Record<string, string>) => `${name}=${value}`), [
    "report=stats",
    "outcome=sent",
  ]);
});

Deno.test("reporting collects once or at the interval, and sends one report at a time with the newest results", async () => {
  const gate = Promise.withResolvers<Record<string, never>>();
  let reports = 0;
  const metadata = [metadatum("once", "echo 1"), metadatum("count", "date +%s%N", 1)];
  const controlPlane = planeWith({ metadata }, {
    batchUpdateMetadata: () => reports++ === 0 ? gate.promise : {},
  });
  await using agent = await createTestAgent({ plugins: [controlplane, reporting], controlPlane });
  await untilCollected(agent, 2);
  await agent.clock.advance(1000);
  await controlPlane.until(() => reports === 1);
  await untilCollected(agent, 3);
  await agent.clock.advance(1000);
  await untilCollected(agent, 4);
  await agent.clock.advance(1000);
  assertEquals(reports, 1);

  gate.resolve({});
  await untilCollected(agent, 5);
  await agent.clock.advance(1000);
  await controlPlane.until(() => reports === 2);

  const [first, second] = callsOf(controlPlane, "BatchUpdateMetadata").map(({ metadata }) =>
    metadata.map(({ key }: { key: string }) => key).sort()
  );
  assertEquals([first, second], [["count", "once"], ["count"]]);
});

Deno.test("reporting sends value and error, with the surroundings a login has", async () => {
  const metadata = [
    metadatum("fails", "echo some; exit 1"),
    metadatum("user", 'echo "$USER $LOGNAME $SHELL" | wc -w; test -n "$SSH_CONNECTION"'),
  ];
  const controlPlane = planeWith({ metadata });
  await using agent = await createTestAgent({ plugins: [controlplane, reporting], controlPlane });
  await untilCollected(agent, 2);

  await agent.clock.advance(1000);
  await controlPlane.untilCalled("BatchUpdateMetadata");

  assertEquals([...valuesOf(controlPlane)].sort(), ["fails: somerun cmd: exit status 1", "user: 3"]);
  assertEquals(await agent.metric("agent_reporting_metadata_collections_total", { outcome: "failed" }), 1);
});

Deno.test("reporting collects everything anew with each connection, and once for each", async () => {
  const controlPlane = planeWith({ metadata: [metadatum("once", "echo 1")] });
  await using agent = await createTestAgent({ plugins: [controlplane, reporting], controlPlane });
  await untilCollected(agent, 1);
  await agent.clock.advance(1000);
  await controlPlane.untilCalled("BatchUpdateMetadata");

  await controlPlane.disconnect();
  await untilConnected(agent, controlPlane, 2);
  await untilCollected(agent, 2);
  await agent.clock.advance(10_000);
  await controlPlane.untilCalled("BatchUpdateMetadata", 2);

  assertEquals(valuesOf(controlPlane), ["once: 1", "once: 1"]);
});

Deno.test("reporting connects again when metadata is refused or not answered, and says which", async () => {
  const controlPlane = planeWith({ metadata: [metadatum("a", "echo 1")] }, {
    batchUpdateMetadata: () => {
      const reports = callsOf(controlPlane, "BatchUpdateMetadata").length;
      if (reports === 1) throw new RpcError("too many keys");
      return reports === 2 ? new Promise<never>(() => {}) : {};
    },
  });
  await using agent = await createTestAgent({ plugins: [controlplane, reporting], controlPlane });
  async function report(count: number): Promise<void> {
    await untilCollected(agent, count);
    await agent.clock.advance(1000);
    await controlPlane.untilCalled("BatchUpdateMetadata", count);
  }

  await report(1);
  await controlPlane.until(() => !controlPlane.isConnected);
  assertEquals(agent.health("reporting"), {
    ok: false,
    reason: "the control plane refuses metadata: too many keys",
  });
  await untilConnected(agent, controlPlane, 2);
  await report(2);
  await agent.clock.advance(30_000);
  await untilConnected(agent, controlPlane, 3);
  await report(3);
  await agent.clock.advance(1000);

  assertEquals(controlPlane.connections, 3);
  assertEquals(agent.health("reporting"), { ok: true });
  const failures = agent.logs("warn").filter(({ message }) => message === "routine failed, connecting again");
  assertEquals(failures.map(({ fields }) => fields.error), [
    "too many keys",
    "Cannot finish the report of metadata: deadline is 30000 ms",
  ]);
});

function appWith(url: string, more: Record<string, unknown> = {}) {
  const healthcheck = { url, interval: { seconds: 1n }, threshold: 1 };
  return { id: uuidBytes(APP_ID), slug: "web", health: WorkspaceApp_Health.INITIALIZING, healthcheck, ...more };
}

Deno.test("reporting sends an app's health when it changes, again after a report that failed, and not else", async () => {
  let [status, asked] = [200, 0];
  const more = Promise.withResolvers<void>();
  await using app = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked++;
    if (asked === 8) more.resolve();
    return new Response("", { status });
  });
  let isAway = true;
  const healthcheck = { url: `http://127.0.0.1:${app.addr.port}`, interval: { nanos: 200_000_000 }, threshold: 3 };
  const controlPlane = planeWith({ apps: [appWith("", { healthcheck })] }, {
    batchUpdateAppHealths: () => {
      if (!isAway) return {};
      isAway = false;
      throw new RpcError("database is away");
    },
  });
  const config = { reporting: { apps: { tickMs: 100 } } };
  await using agent = await createTestAgent({ plugins: [controlplane, reporting], controlPlane, config, time: "real" });
  const healths = () => callsOf(controlPlane, "BatchUpdateAppHealths").map(({ updates }) => updates[0].health);

  await controlPlane.until(() => healths().length === 2);
  await more.promise;
  status = 500;
  await controlPlane.until(() => healths().length === 3);

  assertEquals(healths(), [AppHealth.HEALTHY, AppHealth.HEALTHY, AppHealth.UNHEALTHY]);
  assertEquals(agent.logs("warn").filter(({ message }) => message === "app health not reported").length, 1);
});

Deno.test("reporting asks no app that is switched off", async () => {
  let asked = 0;
  await using app = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked++;
    return new Response();
  });
  const url = `http://127.0.0.1:${app.addr.port}`;
  const controlPlane = planeWith({ apps: [appWith(url, { health: WorkspaceApp_Health.DISABLED })] });
  await using agent = await createTestAgent({ plugins: [controlplane, reporting], controlPlane });
  await controlPlane.untilCalled("UpdateStats");

  await agent.clock.advance(60_000);

  assertEquals([asked, callsOf(controlPlane, "BatchUpdateAppHealths")], [0, []]);
});

Deno.test("reporting asks once per connection what to monitor, and pushes the window from when it is full", async () => {
  const controlPlane = planeWith({}, {
    getResourcesMonitoringConfiguration: () => ({
      config: { numDatapoints: 3, collectionIntervalSeconds: 10 },
      memory: { enabled: true },
      volumes: [{ enabled: true, path: "/" }, { enabled: false, path: "/tmp" }],
    }),
  });
  await using agent = await createTestAgent({ plugins: [reporting], controlPlane });
  const pushes = () => callsOf(controlPlane, "PushResourcesMonitoringUsage");
  await controlPlane.untilCalled("GetResourcesMonitoringConfiguration");

  for (; pushes().length < 2; await turn()) await agent.clock.advance(1000);

  assertEquals(callsOf(controlPlane, "GetResourcesMonitoringConfiguration").length, 1);
  assertEquals(pushes().slice(0, 2).map(({ datapoints }) => datapoints.length), [3, 3]);
  const [first] = pushes()[0].datapoints;
  assert(first.memory.used > 0n && first.memory.used < first.memory.total);
  assertEquals(first.volumes.map(({ volume }: { volume: string }) => volume), ["/"]);
  assert(first.volumes[0].used > 0n && first.volumes[0].used <= first.volumes[0].total);
});

Deno.test("reporting leaves out of an older control plane what it does not know", async () => {
  const controlPlane = planeWith();
  controlPlane.version = parseVersion("2.3");
  await using agent = await createTestAgent({ plugins: [reporting], controlPlane });
  await controlPlane.untilCalled("UpdateStats");

  await agent.clock.advance(30_000);
  await controlPlane.untilCalled("UpdateStats", 2);

  assertEquals(callsOf(controlPlane, "GetResourcesMonitoringConfiguration"), []);
  assertEquals(controlPlane.connections, 1);
});

Deno.test("reporting ends its scripts and questions when the agent stops", async () => {
  const app = Deno.listen({ hostname: "127.0.0.1", port: 0 }); // Accepts, and never answers.
  const metadata = [metadatum("slow", "sleep 1000", 3000)];
  const controlPlane = planeWith({ metadata, apps: [appWith(`http://127.0.0.1:${app.addr.port}`)] });
  const agent = await createTestAgent({ plugins: [controlplane, reporting], controlPlane });
  await controlPlane.untilCalled("UpdateStats");
  let asked: Deno.Conn | undefined;
  app.accept().then((connection) => asked = connection);
  for (; asked === undefined; await turn()) await agent.clock.advance(1000);

  const report = await agent.stop();

  assertEquals(report.unfinished, []);
  asked.close();
  app.close();
  await agent[Symbol.asyncDispose]();
});

Deno.test("reporting lists the ports of other programs, without low and ignored ones, also without a control plane", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const listeners = await Promise.all([listenElsewhere(), listenElsewhere()]);
  const [shown, ignored] = listeners.map(({ port }) => port) as [number, number];
  using own = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports = { ignore: [ignored] };
  await using agent = await createTestAgent({ plugins: [reporting], config: { reporting: { ports } } });
  const list = async () => {
    const response = await agent.get("/api/v0/listening-ports");
    const body = await response.json() as { ports: { process_name: string; network: string; port: number }[] };
    return body.ports.filter(({ port }) => [shown, ignored, own.addr.port].includes(port));
  };

  const found = await list();
  for (const listener of listeners) await listener.end();
  const cached = await list();
  await agent.clock.advance(1000);

  assertEquals(found, [{ process_name: "deno", network: "tcp", port: shown }]);
  assertEquals([cached, await list()], [found, []]);
});

Deno.test("reporting answers 500 when the ports cannot be read", async () => {
  const readTextFile = Deno.readTextFile;
  await using agent = await createTestAgent({ plugins: [reporting], ignoreErrors: true });
  Deno.readTextFile = () => Promise.reject(new Error("no table"));
  try {
    const response = await agent.get("/api/v0/listening-ports");
    const { message, detail } = await response.json();

    assertEquals([response.status, message, detail], [500, "Could not scan for listening ports.", "no table"]);
  } finally {
    Deno.readTextFile = readTextFile;
  }
});

/** A program of its own that listens. */
async function listenElsewhere(): Promise<{ readonly port: number; end(): Promise<void> }> {
  const code = `const l = Deno.listen({ hostname: "127.0.0.1", port: 0 }); console.log(l.addr.port); await l.accept();`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", code],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    port: Number(new TextDecoder().decode(value)),
    async end() {
      child.kill("SIGKILL");
      while (!(await reader.read()).done);
      await child.status;
    },
  };
}
