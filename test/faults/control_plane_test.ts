/** The agent with its plugins when the control plane misbehaves: what is asked locally is answered, what was to be said arrives. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { Agent, Lifecycle_State, type Log } from "../../core/proto/gen/agent_pb.ts";
import { parseVersion } from "../../core/rpc/api_version.ts";
import { serveSession } from "../../core/rpc/multiplexed.ts";
import { ServiceRouter } from "../../core/rpc/service_router.ts";
import { webSocketStream } from "../../core/rpc/web_socket_stream.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { createTestAgent, type TestAgent, TestControlPlane } from "../../core/testing/mod.ts";
import { ConnectionReports } from "../../plugins/controlplane/service.ts";
import { PLUGINS, script, serviceWith, TOKEN, turn, withDataDir } from "./reporting_agent.ts";

function requestsOf(plane: TestControlPlane, method: string) {
  return plane.calls.filter((call) => call.method === method).map((call) => call.request);
}

function statesOf(plane: TestControlPlane): readonly string[] {
  const states = requestsOf(plane, "UpdateLifecycle").map(({ lifecycle }) => lifecycle.state as Lifecycle_State);
  return states.map((state) => Lifecycle_State[state]);
}

function linesOf(plane: TestControlPlane): readonly string[] {
  return requestsOf(plane, "BatchCreateLogs").flatMap(({ logs }) => logs.map(({ output }: Log) => output));
}

Deno.test("an agent that is refused with 401, 500 and 400 for its version goes on trying, and keeps its token to itself", async () => {
  const router = new ServiceRouter();
  const ready = Promise.withResolvers<void>();
  router.add(
    Agent,
    serviceWith({}, {
      updateLifecycle: ({ lifecycle }) => {
        if (lifecycle?.state === Lifecycle_State.READY) ready.resolve();
        return {};
      },
    }),
  );
  const versions: string[] = [];
  const served: Promise<void>[] = [];
  const refusals = [401, 500, 500, 401];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const status = refusals.shift();
    if (status !== undefined) return Response.json({ message: "no" }, { status });
    const version = new URL(request.url).searchParams.get("version") ?? "";
    versions.push(version);
    if (parseVersion(version).minor > 5) {
      const validations = [{ field: "version", detail: "server is at version 2.5" }];
      return Response.json({ message: "Unknown or unsupported API version", validations }, { status: 400 });
    }
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.onopen = () => {
      const session = new YamuxSession(webSocketStream(socket), { role: "server" });
      served.push(serveSession(session, router.handle).then(() => session.released));
    };
    return response;
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const agent = await createTestAgent({
    plugins: PLUGINS,
    agent: { controlPlane: { url, token: TOKEN } },
    time: "real",
  });

  await ready.promise;
  const local = await agent.get("/api/v0/processes/list");
  await local.body?.cancel();
  const log = agent.logs();
  await agent[Symbol.asyncDispose]();
  await Promise.all(served);

  assertEquals(versions, ["2.10", "2.9", "2.8", "2.7", "2.6", "2.5"]);
  assertEquals(local.status, 200);
  const failures = log.filter(({ message }) => message === "cannot connect to the control plane");
  assertEquals(failures.map(({ fields }) => /\b[45]\d\d\b/.exec(String(fields.error))?.[0]), [
    "401",
    "500",
    "500",
    "401",
  ]);
  assertEquals(JSON.stringify(log).includes(TOKEN), false);
});

Deno.test("an agent that waits an hour for its manifest works meanwhile, and starts when it comes", async () => {
  const gate = Promise.withResolvers<void>();
  const service = serviceWith();
  const controlPlane = new TestControlPlane().serve(Agent, {
    ...service,
    getManifest: async (request, call) => {
      await gate.promise;
      return await service.getManifest!(request, call);
    },
  });
  await using agent = await createTestAgent({ plugins: PLUGINS, controlPlane });
  await controlPlane.untilCalled("GetManifest");

  await agent.clock.advance(3_600_000);
  const local = await agent.get("/api/v0/processes/list");
  await local.body?.cancel();
  assertEquals([local.status, statesOf(controlPlane), controlPlane.connections], [200, [], 1]);
  gate.resolve();
  await controlPlane.until(() => statesOf(controlPlane).includes("READY"));

  assertEquals(statesOf(controlPlane), ["STARTING", "READY"]);
});

/** Where the agent is when it is told to stop, and whether it had begun to live by then. */
const STOPS: readonly { readonly during: string; readonly call?: number; readonly hasBegun: boolean }[] = [
  { during: "dial", hasBegun: false },
  { during: "GetManifest", hasBegun: false },
  { during: "UpdateStartup", hasBegun: false },
  { during: "UpdateLifecycle", hasBegun: true },
  { during: "UpdateLifecycle", call: 2, hasBegun: true },
  { during: "BatchCreateLogs", hasBegun: true },
  { during: "ScriptCompleted", hasBegun: true },
  { during: "UpdateStats", call: 2, hasBegun: true },
  { during: "BatchUpdateMetadata", hasBegun: true },
];

for (const { during, call = 1, hasBegun } of STOPS) {
  Deno.test(`an agent told to stop during ${during} (${call}) delivers its last words, or has none`, async () => {
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const manifest = {
      scripts: [script({ script: "echo hello", runOnStart: true }), script({ script: "echo bye", runOnStop: true })],
      metadata: [{ key: "a", script: "echo 1" }],
    };
    const service = serviceWith(manifest, { updateStats: () => ({ reportInterval: { seconds: 1n } }) });
    const held = `${during[0]!.toLowerCase()}${during.slice(1)}`;
    const delayed = Object.entries(service as Record<string, (...args: unknown[]) => unknown>).map(([name, method]) => {
      let calls = 0;
      return [name, async (...args: unknown[]) => {
        calls++;
        if (name === held && calls === call) {
          reached.resolve();
          await gate.promise;
        }
        return await method(...args);
      }];
    });
    const plane = new TestControlPlane().serve(Agent, Object.fromEntries(delayed));
    const dial = async (signal: AbortSignal) => {
      if (during === "dial") {
        reached.resolve();
        await Promise.race([gate.promise, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
      }
      return await plane.dial(signal);
    };
    await withDataDir(async (agentSettings) => {
      const agent = await createTestAgent({
        plugins: PLUGINS,
        controlPlane: Object.assign(Object.create(plane), { dial }) as TestControlPlane,
        agent: agentSettings,
        time: "real",
      });
      await reached.promise;

      const stopped = agent.stop();
      for (let turns = 0; turns < 20; turns++) await turn();
      gate.resolve();
      const report = await stopped;

      assertEquals(report.unfinished, []);
      const states = statesOf(plane);
      assertEquals(states.filter((state) => state !== "READY"), hasBegun ? ["STARTING", "SHUTTING_DOWN", "OFF"] : []);
      assertEquals(states.indexOf("READY") < 2, true, states.join());
      assertEquals([...linesOf(plane)].sort(), hasBegun ? ["bye", "hello"] : []);
      await agent[Symbol.asyncDispose]();
    });
  });
}

Deno.test("an agent whose control plane is away for an hour answers everything local, and reports again when it is back", async () => {
  const metadata = [{ key: "once", script: "echo 1", timeout: { nanos: 999_999_999 } }];
  const controlPlane = new TestControlPlane().serve(
    Agent,
    serviceWith({ metadata, scripts: [script({ script: "echo tick", cron: "0 0 * * * *" })] }),
  );
  const directory = await Deno.makeTempDir();
  await withDataDir(async (agentSettings) => {
    await using agent = await createTestAgent({ plugins: PLUGINS, controlPlane, agent: agentSettings });
    await controlPlane.until(() => statesOf(controlPlane).includes("READY"));
    await controlPlane.untilCalled("UpdateStats");
    await untilCollected(agent, 1);
    await agent.clock.advance(1000);
    await controlPlane.untilCalled("BatchUpdateMetadata");
    const before = { stats: requestsOf(controlPlane, "UpdateStats").length, states: statesOf(controlPlane) };

    controlPlane.refusal = new Error("away");
    await controlPlane.disconnect();
    await agent.clock.advance(3_600_000);
    agent.service(ConnectionReports).connected("ssh", "192.0.2.1:5022")(0, "");
    await useLocally(agent, directory);
    while (await agent.metric("agent_scripts_executed_total", { success: "true" }) !== 1) await turn();
    controlPlane.refusal = undefined;
    for (; !controlPlane.isConnected; await turn()) await agent.clock.advance(1000);
    await controlPlane.untilCalled("ReportConnection", 2);
    await untilCollected(agent, 2);
    await agent.clock.advance(31_000);

    await controlPlane.untilCalled("UpdateStats", before.stats + 2);
    await controlPlane.untilCalled("BatchUpdateMetadata", 2);
    await controlPlane.until(() => linesOf(controlPlane).length > 0);
    assertEquals(linesOf(controlPlane), ["tick"]);
    assertEquals(statesOf(controlPlane), before.states);
  });
  await Deno.remove(directory, { recursive: true });
});

async function untilCollected(agent: TestAgent, count: number): Promise<void> {
  while (await agent.metric("agent_reporting_metadata_collections_total", { outcome: "ok" }) !== count) await turn();
}

/** One call of every local kind. */
async function useLocally(agent: TestAgent, directory: string): Promise<void> {
  const path = join(directory, "file");
  const written = await agent.post(`/api/v0/write-file?path=${path}`, "text");
  await written.body?.cancel();
  const read = await agent.get(`/api/v0/read-file?path=${path}`);
  const started = await agent.post("/api/v0/processes/start", { command: `cat ${path}` });
  const { id } = await started.json();
  const output = await agent.get(`/api/v0/processes/${id}/output?wait=true`);
  const ports = await agent.get("/api/v0/listening-ports");

  assertEquals([written.status, await read.text()], [200, "text"]);
  assertEquals((await output.json()).output, "text");
  assertEquals(Array.isArray((await ports.json()).ports), true);
  assert((await agent.agent.metrics()).includes("agent_reporting_port_scans_total"));
}
