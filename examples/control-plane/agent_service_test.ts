import { assertEquals, assertRejects } from "@std/assert";

import { createLogger } from "../../core/log.ts";
import type { ServiceClient } from "../../core/plugin.ts";
import {
  Agent,
  AppHealth,
  Connection_Action,
  Connection_Type,
  Lifecycle_State,
  Log_Level,
  Startup_Subsystem,
  Stats_Metric_Type,
  UpdateAppStatusRequest_AppStatusState as AppStatusState,
} from "../../core/proto/gen/agent_pb.ts";
import { bytePipe } from "../../core/rpc/byte_pipe.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import { MultiplexedChannel, serveSession } from "../../core/rpc/multiplexed.ts";
import { ServiceRouter } from "../../core/rpc/service_router.ts";
import { typedClient } from "../../core/rpc/typed_client.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { agentService } from "./agent_service.ts";
import { type AgentDefinition, parseAgentsFile } from "./agents_file.ts";
import { Changes } from "./changes.ts";
import { EXTERNAL_SOURCE } from "./log_rules.ts";
import { openSqliteStore } from "./sqlite_store.ts";
import type { Store } from "./store.ts";
import { NIL_UUID, uuidBytes } from "./uuid.ts";

const SCRIPT = "11111111-1111-4111-8111-111111111111";
const AGENTS = parseAgentsFile(
  `{ "agents": [{
    "name": "dev", "token": "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10", "owner": "ada", "workspace": "engine",
    "scripts": [{ "id": "${SCRIPT}", "name": "prepare", "script": "true", "runOnStart": true, "timeoutSeconds": 30 }],
    "apps": [
      { "slug": "plain" },
      { "slug": "checked", "healthcheck": { "url": "http://127.0.0.1:1/", "intervalSeconds": 5, "threshold": 3 } }
    ],
    "metadata": [{ "key": "load", "script": "uptime", "intervalSeconds": 10, "timeoutSeconds": 3 }],
    "banners": [{ "message": "hi" }],
    "monitor": { "memory": true, "volumes": ["/"] }
  }] }`,
  "test",
);
/** A value that no enumeration has, as a newer agent may send it. */
const UNKNOWN: number = 77;
const NOW = { seconds: BigInt(Date.UTC(2026, 0, 1) / 1000), nanos: 500_000_000 };

interface Fixture extends Disposable {
  readonly agent: AgentDefinition;
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly client: ServiceClient<typeof Agent>;
  readonly audit: Readonly<Record<string, unknown>>[];
  /** A further connection of the same agent. */
  connect(): ServiceClient<typeof Agent>;
}

function serve(): Fixture {
  const [agent] = AGENTS.agents as [AgentDefinition];
  const store = openSqliteStore(":memory:");
  const clock = new VirtualClock();
  const audit: Readonly<Record<string, unknown>>[] = [];
  const log = createLogger({
    category: ["coderd", "agentrpc"],
    clock,
    sink: ({ rawMessage, properties }) => audit.push({ message: rawMessage, ...properties }),
  });
  const sessions: YamuxSession[] = [];
  const connect = () => {
    const [ours, theirs] = bytePipe();
    const server = new YamuxSession(ours, { role: "server", keepAliveMs: 0 });
    const client = new YamuxSession(theirs, { role: "client", keepAliveMs: 0 });
    sessions.push(server, client);
    const router = new ServiceRouter();
    router.add(
      Agent,
      agentService({
        ...{ agent, store, clock, log, apiVersion: "2.10", requestId: "request-1", statsIntervalSeconds: 300 },
        changes: new Changes(),
      }),
    );
    void serveSession(server, router.handle);
    const channel = new MultiplexedChannel(client);
    return typedClient(Agent, () => channel);
  };
  return {
    ...{ agent, store, clock, audit, connect, client: connect() },
    [Symbol.dispose]() {
      for (const session of sessions) session.close();
      store[Symbol.dispose]();
    },
  };
}

const line = (output: string, nanos = 0) => ({ output, level: Log_Level.INFO, createdAt: { ...NOW, nanos } });

Deno.test("getManifest() puts seconds of metadata into nanoseconds, and gives every app a health check", async () => {
  using server = serve();

  const manifest = await server.client.getManifest({});

  assertEquals(manifest.agentId, uuidBytes(server.agent.id));
  assertEquals(manifest.metadata[0]!.interval, { ...manifest.metadata[0]!.interval!, seconds: 0n, nanos: 10 });
  assertEquals(manifest.scripts[0]!.timeout?.seconds, 30n);
  assertEquals(manifest.apps.map((app) => app.healthcheck !== undefined), [true, true]);
  assertEquals(manifest.parentId, undefined);
});

Deno.test("updateStartup() takes versions with a v in front, sorts subsystems, and refuses what it does not know", async () => {
  using server = serve();
  const start = (version: string, subsystems: Startup_Subsystem[] = []) =>
    server.client.updateStartup({ startup: { version, expandedDirectory: "/home/ada", subsystems } });

  const { EXECTRACE, ENVBOX, SUBSYSTEM_UNSPECIFIED } = Startup_Subsystem;
  assertEquals((await start("v1.2.3-rc.1+build", [EXECTRACE, ENVBOX, ENVBOX])).subsystems, [ENVBOX, EXECTRACE]);
  assertEquals(server.store.latest(server.agent.id, "startup")?.subsystems, ["envbox", "exectrace"]);
  assertEquals((await start("v2")).version, "v2");
  for (const version of ["1.2.3", "", "v1.2.3.4", "v01.2.3", "v1.2-rc"]) {
    await assertRejects(() => start(version), RpcError);
  }
  await assertRejects(() => start("v1.0.0", [SUBSYSTEM_UNSPECIFIED]), RpcError);
  await assertRejects(() => start("v1.0.0", [UNKNOWN as Startup_Subsystem]), RpcError);
  assertEquals(server.store.latest(server.agent.id, "startup")?.version, "v2");
});

Deno.test("updateLifecycle() echoes, keeps each state once, and knows when the start began and ended", async () => {
  using server = serve();
  const { STARTING, READY, START_ERROR } = Lifecycle_State;
  const report = (state: Lifecycle_State, nanos: number) =>
    server.client.updateLifecycle({ lifecycle: { state, changedAt: { ...NOW, nanos } } });

  await report(STARTING, 1);
  const echoed = await report(READY, 2);
  await report(READY, 2);

  assertEquals([echoed.state, echoed.changedAt?.nanos], [READY, 2]);
  assertEquals(server.store.events(server.agent.id, "lifecycle", 10).map(({ state }) => state), ["starting", "ready"]);
  assertEquals(server.store.latest(server.agent.id, "state"), {
    state: "ready",
    changedAt: "2026-01-01T00:00:00.000000002Z",
    startedAt: "2026-01-01T00:00:00.000000001Z",
    readyAt: "2026-01-01T00:00:00.000000002Z",
  });

  await report(STARTING, 3);
  assertEquals(server.store.latest(server.agent.id, "state")?.readyAt, undefined);
  await report(START_ERROR, 4);
  assertEquals(server.store.latest(server.agent.id, "state")?.readyAt, "2026-01-01T00:00:00.000000004Z");
});

Deno.test("updateLifecycle() refuses unknown states and takes its own time when none is given", async () => {
  using server = serve();
  const { client } = server;

  await assertRejects(
    () => client.updateLifecycle({ lifecycle: { state: Lifecycle_State.STATE_UNSPECIFIED } }),
    RpcError,
  );
  await assertRejects(() => client.updateLifecycle({ lifecycle: { state: UNKNOWN as Lifecycle_State } }), RpcError);
  await assertRejects(() => client.updateLifecycle({}), RpcError);
  await client.updateLifecycle({ lifecycle: { state: Lifecycle_State.OFF, changedAt: { seconds: -62_135_596_800n } } });

  assertEquals(server.store.latest(server.agent.id, "state")?.changedAt, "2026-01-01T00:00:00.000000000Z");
});

Deno.test("updateStats() answers the interval, also to the question without numbers", async () => {
  using server = serve();

  const asked = await server.client.updateStats({});
  assertEquals(server.store.latest(server.agent.id, "stats"), undefined);
  const metrics = [{ name: "a_total", type: Stats_Metric_Type.COUNTER, value: 3, labels: [{ name: "x", value: "y" }] }];
  const told = await server.client.updateStats({ stats: { rxBytes: 7n, connectionsByProto: { TCP: 2n }, metrics } });

  assertEquals([asked.reportInterval?.seconds, told.reportInterval?.seconds], [300n, 300n]);
  const stats = server.store.latest(server.agent.id, "stats");
  assertEquals([stats?.counts.rx_bytes, stats?.connectionsByProto], [7, { TCP: 2 }]);
  assertEquals(stats?.metrics, [{ name: "a_total", type: "counter", value: 3, labels: { x: "y" } }]);
});

Deno.test("batchUpdateMetadata() trims, cuts values of over 2048 bytes between characters, and sets its own time", async () => {
  using server = serve();
  const report = (value: string, error = "") =>
    server.client.batchUpdateMetadata({ metadata: [{ key: "load", result: { value, error, collectedAt: NOW } }] });
  const stored = () => server.store.latest(server.agent.id, "metadata", "load");

  await report("  1.5\n", " ");
  assertEquals(stored(), { value: "1.5", error: "", collectedAt: "2026-01-01T00:00:00.000000000Z" });
  await report("é".repeat(1024));
  assertEquals([stored()?.value.length, stored()?.error], [1024, ""]);
  await report(`a${"é".repeat(1024)}`, "lost");
  assertEquals([stored()?.value.length, stored()?.error], [1024, "value of 2049 bytes exceeds the maximum of 2048"]);
  await report("v", "e".repeat(2049));
  assertEquals(stored()?.error, "error of 2049 bytes exceeds the maximum of 2048");
});

Deno.test("batchUpdateMetadata() drops keys beyond 6144 bytes and says so, but keeps the others", async () => {
  using server = serve();
  const metadata = [{ key: "load", result: { value: "1" } }, { key: "k".repeat(6144), result: { value: "2" } }];

  await assertRejects(() => server.client.batchUpdateMetadata({ metadata }), RpcError, "6148 bytes");

  assertEquals(server.store.latestByKey(server.agent.id, "metadata").load?.value, "1");
});

Deno.test("batchCreateLogs() replaces what no text can hold, and files lines without a source under the external one", async () => {
  using server = serve();

  await server.client.batchCreateLogs({
    logSourceId: uuidBytes(NIL_UUID),
    logs: [{ ...line("a\0b"), level: UNKNOWN as Log_Level }],
  });
  await server.client.batchCreateLogs({ logSourceId: uuidBytes(NIL_UUID), logs: [] });

  const [stored, ...more] = server.store.logs(server.agent.id, { limit: 10 });
  assertEquals([stored?.output, stored?.level, stored?.sourceId], ["a\u274cb", "info", EXTERNAL_SOURCE]);
  assertEquals(more, []);
  await assertRejects(
    () => server.client.batchCreateLogs({ logSourceId: new Uint8Array(3), logs: [line("x")] }),
    RpcError,
  );
});

Deno.test("batchCreateLogs() takes 1 MiB per agent and nothing after the batch that would go over", async () => {
  using server = serve();
  const send = async (output: string) =>
    (await server.client.batchCreateLogs({ logSourceId: uuidBytes(SCRIPT), logs: [line(output)] })).logLimitExceeded;

  assertEquals(await send("a".repeat(1024 * 1024 - 1)), false);
  assertEquals(await send("bc"), true);
  assertEquals(await send("d"), true);
  assertEquals(server.store.logs(server.agent.id, { limit: 10 }).length, 1);

  server.store.clearLogs(server.agent.id);
  assertEquals(await send("e"), false);
});

Deno.test("batchCreateLogs() adds lines once that an agent sends again after it lost the connection", async () => {
  using server = serve();
  const send = (client: ServiceClient<typeof Agent>, ...logs: ReturnType<typeof line>[]) =>
    client.batchCreateLogs({ logSourceId: uuidBytes(SCRIPT), logs });

  await send(server.client, line("one", 1));
  await send(server.client, line("two", 2), line("two", 2));
  const again = server.connect();
  await send(again, line("two", 2), line("two", 2), line("three", 3));
  await send(again, line("three", 3));

  const outputs = server.store.logs(server.agent.id, { limit: 10 }).map(({ output }) => output);
  assertEquals(outputs, ["one", "two", "two", "three", "three"]);
});

Deno.test("scriptCompleted() wants both times, in order", async () => {
  using server = serve();
  const done = (timing: object) =>
    server.client.scriptCompleted({ timing: { scriptId: uuidBytes(SCRIPT), ...timing } });
  const later = { ...NOW, nanos: 600_000_000 };

  await assertRejects(() => server.client.scriptCompleted({}), RpcError);
  await assertRejects(() => done({ end: later }), RpcError, "start time is required");
  await assertRejects(() => done({ start: NOW, end: { seconds: 0n } }), RpcError, "end time is required");
  await assertRejects(() => done({ start: later, end: NOW }), RpcError, "cannot be after");
  await done({ start: NOW, end: later, exitCode: 3, status: 1 });

  const [timing] = server.store.events(server.agent.id, "timing", 10);
  assertEquals([timing?.exitCode, timing?.status, timing?.stage], [3, "exit_failure", "start"]);
});

Deno.test("reportConnection() pairs by id, takes an unusable address as none, and keeps a status only of an end", async () => {
  using server = serve();
  const id = uuidBytes(SCRIPT);
  const report = (connection: object) => server.client.reportConnection({ connection: { id, ...connection } });
  const { CONNECT, DISCONNECT } = Connection_Action;
  const type = Connection_Type.SSH;

  await report({ action: CONNECT, type, ip: "localhost", timestamp: NOW, statusCode: 5 });
  await report({ action: DISCONNECT, type, ip: "pipe", timestamp: NOW, statusCode: 5, reason: "bye" });
  await assertRejects(() => report({ action: Connection_Action.ACTION_UNSPECIFIED }), RpcError);
  await assertRejects(() => report({ id: uuidBytes(NIL_UUID), action: CONNECT }), RpcError);
  await assertRejects(() => report({ id: new Uint8Array(4), action: CONNECT }), RpcError);

  const stored = server.store.events(server.agent.id, "connection", 10);
  assertEquals(stored.map(({ action, ip, statusCode, reason }) => [action, ip, statusCode, reason]), [
    ["connect", "127.0.0.1", undefined, undefined],
    ["disconnect", null, 5, "bye"],
  ]);
  for (
    const [ip, kept] of [["", null], ["10.0.0.300", null], ["10.0.0.3", "10.0.0.3"], ["::1", "::1"], [":::", null]]
  ) {
    await report({ id: crypto.getRandomValues(new Uint8Array(16)), action: CONNECT, type, ip: ip! });
    assertEquals(server.store.events(server.agent.id, "connection", 1)[0]?.ip, kept);
  }
});

Deno.test("batchUpdateAppHealths() takes health of checked apps only", async () => {
  using server = serve();
  const [plain, checked] = server.agent.apps.map(({ id }) => uuidBytes(id));
  const report = (id: Uint8Array, health: AppHealth) =>
    server.client.batchUpdateAppHealths({ updates: [{ id, health }] });

  await report(checked!, AppHealth.UNHEALTHY);
  await assertRejects(() => report(plain!, AppHealth.HEALTHY), RpcError, "healthchecks");
  await assertRejects(() => report(uuidBytes(SCRIPT), AppHealth.HEALTHY), RpcError, "not found");
  await assertRejects(() => report(checked!, AppHealth.APP_HEALTH_UNSPECIFIED), RpcError, "unknown health");

  const health = server.store.latestByKey(server.agent.id, "appHealth");
  assertEquals(Object.entries(health).map(([slug, value]) => [slug, value.health]), [["checked", "unhealthy"]]);
});

Deno.test("updateAppStatus() bounds the message and knows its slugs and states", async () => {
  using server = serve();
  const report = (slug: string, message: string, state = AppStatusState.IDLE) =>
    server.client.updateAppStatus({ slug, message, state, uri: "https://example.org" });

  await report("plain", "all\u202e \n done\x1b[0m");
  await report("plain", "m".repeat(160));
  await assertRejects(() => report("plain", "é".repeat(81)), RpcError, "162 bytes");
  await assertRejects(() => report("other", "hi"), RpcError, "slug");
  await assertRejects(() => report("plain", "hi", UNKNOWN as AppStatusState), RpcError, "state");

  const stored = server.store.events(server.agent.id, "appStatus", 10);
  assertEquals(stored.map(({ message }) => message.slice(0, 12)), ["all done[0m", "m".repeat(12)]);
});

Deno.test("resources are monitored as configured, and a window that is sent again adds only what is new", async () => {
  using server = serve();
  const at = (second: number) => ({
    collectedAt: { seconds: NOW.seconds + BigInt(second) },
    memory: { used: 1n, total: 2n },
  });

  const { config, memory, volumes } = await server.client.getResourcesMonitoringConfiguration({});
  await server.client.pushResourcesMonitoringUsage({ datapoints: [at(0), at(10)] });
  await server.client.pushResourcesMonitoringUsage({ datapoints: [at(10), at(20)] });

  assertEquals([config?.numDatapoints, config?.collectionIntervalSeconds], [20, 10]);
  assertEquals([memory?.enabled, volumes.map(({ path }) => path)], [true, ["/"]]);
  assertEquals(server.store.events(server.agent.id, "usage", 10).length, 3);
});

Deno.test("reportBoundaryLogs() writes a line per request with the fields of the reference", async () => {
  using server = serve();
  const { agent } = server;

  await server.client.reportBoundaryLogs({
    sessionId: SCRIPT,
    logs: [
      {
        allowed: true,
        time: NOW,
        sequenceNumber: 7,
        resource: {
          case: "httpRequest",
          value: { method: "GET", url: "https://a.example/x", matchedRule: "domain=a.example" },
        },
      },
      {
        allowed: false,
        resource: { case: "httpRequest", value: { method: "POST", url: "nonsense", matchedRule: "rule" } },
      },
      { allowed: true },
    ],
  });

  assertEquals(server.audit, [
    {
      message: "boundary_request",
      owner: "ada",
      workspace_name: "engine",
      agent_name: "dev",
      request_id: "request-1",
      decision: "allow",
      session_id: SCRIPT,
      sequence_number: 7,
      workspace_id: agent.workspaceId,
      template_id: agent.templateId,
      template_version_id: agent.templateVersionId,
      http_method: "GET",
      http_url: "https://a.example/x",
      event_time: "2026-01-01T00:00:00.5Z",
      matched_rule: "domain=a.example",
    },
    {
      message: "boundary_request",
      owner: "ada",
      workspace_name: "engine",
      agent_name: "dev",
      request_id: "request-1",
      decision: "deny",
      session_id: SCRIPT,
      sequence_number: 0,
      workspace_id: agent.workspaceId,
      template_id: agent.templateId,
      template_version_id: agent.templateVersionId,
      http_method: "POST",
      http_url: "nonsense",
      event_time: "2026-01-01T00:00:00Z",
    },
    { message: "unknown resource type", agent_name: "dev" },
  ]);
  assertEquals(server.store.boundary(agent.id, {}, { limit: 10 }).map(({ host }) => host), ["a.example", ""]);
});

Deno.test("reportBoundaryLogs() refuses more than 1000 entries, and takes a session id that is none", async () => {
  using server = serve();
  const entry = {
    allowed: true,
    resource: { case: "httpRequest" as const, value: { method: "GET", url: "http://a/" } },
  };

  await assertRejects(
    () => server.client.reportBoundaryLogs({ logs: Array.from({ length: 1001 }, () => entry) }),
    RpcError,
    "batch size 1001 exceeds maximum of 1000",
  );
  await server.client.reportBoundaryLogs({ logs: [entry], sessionId: "yesterday" });
  await server.client.reportBoundaryLogs({ logs: [] });

  assertEquals(server.audit.map(({ message }) => message), ["invalid boundary session id", "boundary_request"]);
  assertEquals(server.store.boundary(server.agent.id, {}, { limit: 10 }).length, 1);
});

Deno.test("what the control plane does not serve answers Unimplemented, so that agents stop asking", async () => {
  using server = serve();

  const error = await assertRejects(() => server.client.pushContextState({}), RpcError, "Unimplemented");

  assertEquals(error.remoteCode, 12n);
});
