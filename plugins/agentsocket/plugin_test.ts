import { assertEquals, assertRejects } from "@std/assert";

import { RpcUnavailableError } from "../../core/errors.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import {
  Agent,
  type UpdateAppStatusRequest,
  type UpdateAppStatusRequest_AppStatusState as AppStatusState,
} from "../../core/proto/gen/agent_pb.ts";
import { definePlugin, type Env } from "../../core/plugin.ts";
import { TestControlPlane } from "../../core/testing/mod.ts";
import { SocketAgent } from "./_fixture.ts";
import { TaskReporter } from "./service.ts";

const UPDATE = { slug: "app", state: 1, message: "hi", uri: "https://example.com/1" };

/** A control plane that takes status updates, or answers with `error`. */
function statusTaker(error?: Error): TestControlPlane {
  return new TestControlPlane().serve(Agent, {
    updateAppStatus: (_request: UpdateAppStatusRequest) => error === undefined ? {} : Promise.reject(error),
  });
}

Deno.test("agentsocket answers Ping, privately, and takes its socket away", async () => {
  const socket = await SocketAgent.start();
  const { ping } = await socket.call();

  await ping({});
  const mode = (await Deno.lstat(socket.path)).mode! & 0o777;
  await socket[Symbol.asyncDispose]();

  assertEquals(mode, 0o600);
  assertEquals(await Deno.lstat(socket.path).catch((error) => error.name), "NotFound");
});

Deno.test("SyncStart registers a new unit and marks it as started", async () => {
  await using socket = await SocketAgent.start();
  const { syncStart, syncStatus } = await socket.call();

  await syncStart({ unit: "db" });

  const { status, isReady, dependencies } = await syncStatus({ unit: "db" });
  assertEquals([status, isReady, dependencies], ["started", true, []]);
});

Deno.test("SyncStart fails for a unit that is started, and starts one that is completed again", async () => {
  await using socket = await SocketAgent.start();
  const { syncStart, syncComplete, syncStatus } = await socket.call();
  await syncStart({ unit: "db" });

  const error = await assertRejects(
    () => syncStart({ unit: "db" }),
    RpcError,
    'cannot start unit "db": same status already set',
  );
  assertEquals([error.remoteCode, (await syncStatus({ unit: "db" })).status], [0n, "started"]);
  await syncComplete({ unit: "db" });
  await syncStart({ unit: "db" });

  assertEquals((await syncStatus({ unit: "db" })).status, "started");
});

Deno.test("SyncStart fails while a dependency is open, and names it", async () => {
  await using socket = await SocketAgent.start();
  const { syncStart, syncWant, syncStatus } = await socket.call();
  await syncWant({ unit: "web", dependsOn: "db" });

  await assertRejects(
    () => syncStart({ unit: "web" }),
    RpcError,
    'cannot start unit "web": unit not ready: waiting for db',
  );

  const { status, isReady } = await syncStatus({ unit: "web" });
  assertEquals([status, isReady], ["pending", false]);
});

Deno.test("SyncWant lists the dependency with required status completed, whatever was registered or started first", async () => {
  await using socket = await SocketAgent.start();
  const { syncStart, syncWant, syncStatus } = await socket.call();
  await syncStart({ unit: "known" });
  await syncStart({ unit: "started" });

  for (const [unit, dependsOn] of [["new", "other"], ["new", "known"], ["started", "other"]] as const) {
    await syncWant({ unit, dependsOn });
  }

  const listed = async (unit: string) =>
    (await syncStatus({ unit })).dependencies.map((found) => [
      found.unit,
      found.dependsOn,
      found.requiredStatus,
      found.currentStatus,
      found.isSatisfied,
    ]);
  assertEquals(await listed("new"), [
    ["new", "other", "completed", "", false],
    ["new", "known", "completed", "started", false],
  ]);
  assertEquals(await listed("started"), [["started", "other", "completed", "", false]]);
});

Deno.test("SyncWant refuses a cycle and names its path", async () => {
  await using socket = await SocketAgent.start();
  const { syncWant } = await socket.call();
  await syncWant({ unit: "a", dependsOn: "b" });

  await assertRejects(
    () => syncWant({ unit: "b", dependsOn: "a" }),
    RpcError,
    'cannot add dependency: failed to add dependency: cycle detected: "b" -> "a" -> "b"',
  );
});

Deno.test("SyncReady is true for unknown units, false while a dependency is open, true after its completion", async () => {
  await using socket = await SocketAgent.start();
  const { syncReady, syncWant, syncStart, syncComplete } = await socket.call();
  const ready: boolean[] = [(await syncReady({ unit: "web" })).ready];

  await syncWant({ unit: "web", dependsOn: "db" });
  ready.push((await syncReady({ unit: "web" })).ready);
  await syncStart({ unit: "db" });
  await syncComplete({ unit: "db" });
  ready.push((await syncReady({ unit: "web" })).ready);

  assertEquals(ready, [true, false, true]);
});

Deno.test("SyncComplete needs a registered unit that is not completed", async () => {
  await using socket = await SocketAgent.start();
  const { syncWant, syncComplete } = await socket.call();

  await assertRejects(
    () => syncComplete({ unit: "db" }),
    RpcError,
    'cannot complete unit "db": unit must be registered first: unit not found',
  );
  await syncWant({ unit: "web", dependsOn: "db" });
  await syncComplete({ unit: "web" });
  await assertRejects(() => syncComplete({ unit: "web" }), RpcError, "same status already set");
});

Deno.test("every Sync method but SyncList refuses an empty name", async () => {
  await using socket = await SocketAgent.start();
  const client = await socket.call();

  for (
    const [call, text] of [
      [() => client.syncStart({}), 'cannot start unit ""'],
      [() => client.syncWant({ dependsOn: "a" }), "cannot add dependency"],
      [() => client.syncWant({ unit: "a" }), "cannot add dependency"],
      [() => client.syncComplete({}), 'cannot complete unit ""'],
      [() => client.syncReady({}), "cannot check readiness"],
      [() => client.syncStatus({}), "cannot get status"],
    ] as const
  ) {
    const error = await assertRejects<Error>(call, RpcError, text);
    assertEquals(error.message.endsWith("unit name is required"), true, error.message);
  }
});

Deno.test("SyncList lists registered units only", async () => {
  await using socket = await SocketAgent.start();
  const { syncWant, syncStart, syncList } = await socket.call();
  await syncWant({ unit: "web", dependsOn: "db" });
  await syncStart({ unit: "cache" });

  const { units } = await syncList({});

  assertEquals(units.map(({ unit, status, isReady }) => [unit, status, isReady]), [
    ["web", "pending", false],
    ["cache", "started", true],
  ]);
});

Deno.test("fifty callers at once cannot close a chain", async () => {
  await using socket = await SocketAgent.start();
  const callers = await Promise.all(Array.from({ length: 50 }, () => socket.call()));
  for (const [i, { syncWant }] of callers.entries()) await syncWant({ unit: `u${i}`, dependsOn: `u${i + 1}` });

  const outcomes = await Promise.allSettled(
    callers.map(({ syncWant }, i) => syncWant({ unit: "u50", dependsOn: `u${i}` })),
  );

  const messages = outcomes.map((outcome) => outcome.status === "rejected" ? String(outcome.reason.message) : "taken");
  assertEquals(messages.filter((message) => !message.includes("cycle detected")), []);
});

Deno.test("UpdateAppStatus fails without a control plane and says so", async () => {
  await using socket = await SocketAgent.start();
  const { updateAppStatus } = await socket.call();

  await assertRejects(() => updateAppStatus(UPDATE), RpcError, "agent not connected to coderd");
});

Deno.test("UpdateAppStatus forwards all four fields", async () => {
  const controlPlane = statusTaker();
  await using socket = await SocketAgent.start(controlPlane);
  await controlPlane.until(() => controlPlane.isConnected);
  const { updateAppStatus } = await socket.call();

  await retryUntilConnected(() => updateAppStatus(UPDATE));

  const [{ slug, state, message, uri }] = await controlPlane.untilCalled("UpdateAppStatus");
  assertEquals({ slug, state, message, uri }, UPDATE);
});

Deno.test("UpdateAppStatus passes the control plane's error on, with its code", async () => {
  const controlPlane = statusTaker(new RpcError("no app with this slug", 7n));
  await using socket = await SocketAgent.start(controlPlane);
  const { updateAppStatus } = await socket.call();

  const error = await assertRejects(() => retryUntilConnected(() => updateAppStatus(UPDATE)), RpcError);

  assertEquals([error.message, error.remoteCode], ["no app with this slug", 7n]);
});

Deno.test("UpdateAppStatus fails again when the connection is gone", async () => {
  const controlPlane = statusTaker();
  await using socket = await SocketAgent.start(controlPlane);
  const { updateAppStatus } = await socket.call();
  await retryUntilConnected(() => updateAppStatus(UPDATE));

  await controlPlane.disconnect();
  await socket.agent.clock.untilSleeping();

  await assertRejects(() => updateAppStatus(UPDATE), RpcError, "agent not connected to coderd");
});

Deno.test("UpdateAppStatus refuses what the control plane would refuse, and forwards none of it", async () => {
  const controlPlane = statusTaker();
  await using socket = await SocketAgent.start(controlPlane);
  const { updateAppStatus } = await socket.call();
  await retryUntilConnected(() => updateAppStatus({ ...UPDATE, message: "é".repeat(80) }));

  for (
    const [change, text] of [
      [{ message: "é".repeat(80) + "!" }, "161 bytes and must be at most 160 bytes"],
      [{ state: 9 as AppStatusState }, "state 9 is unknown"],
      [{ slug: "" }, "the slug of the app is empty"],
    ] as const
  ) await assertRejects(() => updateAppStatus({ ...UPDATE, ...change }), RpcError, text);

  assertEquals(controlPlane.calls.length, 1);
});

Deno.test("UpdateAppStatus says that the control plane is too old", async () => {
  const controlPlane = statusTaker();
  controlPlane.version = { major: 2, minor: 7 };
  await using socket = await SocketAgent.start(controlPlane);
  const { updateAppStatus } = await socket.call();

  const error = await assertRejects(() => retryUntilConnected(() => updateAppStatus(UPDATE)), RpcError);

  assertEquals(error.message.includes("2.8"), true, error.message);
});

Deno.test("TaskReporter reports for other plugins and tells them why it cannot", async () => {
  const controlPlane = statusTaker();
  await using socket = await SocketAgent.start(controlPlane);
  const report = (message: string) =>
    socket.agent.service(TaskReporter).report({ slug: "app", state: "failure", message, uri: "" });

  await retryUntilConnected(() => report("broken"));
  await assertRejects(() => report("x".repeat(161)), RangeError, "161 bytes");
  await controlPlane.disconnect();
  await socket.agent.clock.untilSleeping();
  await assertRejects(() => report("again"), RpcUnavailableError);

  assertEquals(controlPlane.calls.map(({ request }) => [request.slug, request.state, request.message]), [
    ["app", 3, "broken"],
  ]);
});

Deno.test("the methods for context answer that there is no context manager", async () => {
  await using socket = await SocketAgent.start();
  const client = await socket.call();

  for (
    const call of [
      () => client.contextSources({}),
      () => client.getContextSource({ path: "/a" }),
      () => client.addContextSource({ path: "/a" }),
      () => client.removeContextSource({ path: "/a" }),
      () => client.getContextSnapshot({}),
      () => client.resyncContext({}),
    ]
  ) await assertRejects<Error>(call, RpcError, "context manager not available");
});

Deno.test("agentsocket shows its units over HTTP and counts calls", async () => {
  await using socket = await SocketAgent.start();
  const { syncWant, syncStart } = await socket.call();
  await syncWant({ unit: "web", dependsOn: "db" });
  await assertRejects(() => syncStart({ unit: "web" }));

  const { units } = await (await socket.agent.get("/api/v0/agentsocket/units")).json();
  const dot = await (await socket.agent.get("/api/v0/agentsocket/units.dot")).text();

  assertEquals(units, [{
    unit: "web",
    status: "pending",
    is_ready: false,
    dependencies: [{ depends_on: "db", required_status: "completed", current_status: "", is_satisfied: false }],
  }]);
  assertEquals(dot.startsWith("digraph units {\n"), true);
  const count = (method: string, outcome: string) =>
    socket.agent.metric("agent_agentsocket_calls_total", { method, outcome });
  assertEquals([await count("syncWant", "ok"), await count("syncStart", "error")], [1, 1]);
  assertEquals(await socket.agent.metric("agent_agentsocket_units"), 1);
});

Deno.test("processes of the agent find the agent socket in their environment", async () => {
  let env: Env | undefined;
  const probe = definePlugin({
    id: "probe",
    version: "1.0.0",
    api: 1,
    summary: "Builds an environment.",
    stability: "stable",
    setup: (ctx) => void (env = ctx.env),
  });
  await using socket = await SocketAgent.start(undefined, [probe]);

  const variables = await env!.build();

  assertEquals(variables.CODER_AGENT_SOCKET_PATH, socket.path);
});

/** The agent connects in its own time after its start. */
async function retryUntilConnected(call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      const isEarly = error instanceof RpcUnavailableError
        ? error.reason === "disconnected"
        : String(error).includes("not connected to coderd");
      if (!isEarly) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
