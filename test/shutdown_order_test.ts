/**
 * The end of an agent with a control plane, step by step, in the order of Coder's agent.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { definePlugin, type Plugin } from "../core/plugin.ts";
import { Agent, Lifecycle_State } from "../core/proto/gen/agent_pb.ts";
import { AgentSocket } from "../core/proto/gen/agentsocket_pb.ts";
import { connByteStream } from "../core/rpc/conn_byte_stream.ts";
import { DrpcClient } from "../core/rpc/drpc/client.ts";
import { typedClient } from "../core/rpc/typed_client.ts";
import { TestControlPlane } from "../core/testing/control_plane.ts";
import { createTestAgent, type TestAgent } from "../core/testing/test_agent.ts";
import { uuidBytes } from "../core/uuid.ts";
import agentproc from "../plugins/agentproc/mod.ts";
import agentsocket from "../plugins/agentsocket/mod.ts";
import boundarylogs from "../plugins/boundarylogs/mod.ts";
import controlplane from "../plugins/controlplane/mod.ts";
import { LifecycleReports, type LifecycleWork } from "../plugins/controlplane/service.ts";
import scripts from "../plugins/scripts/mod.ts";
import ssh from "../plugins/ssh/mod.ts";

const id = (last: number) => uuidBytes(`01020304-0506-0708-090a-0b0c0d0e0f${String(last).padStart(2, "0")}`);

function planeWith(
  scripts: readonly Record<string, unknown>[] = [],
  more: Record<string, unknown> = {},
): TestControlPlane {
  return new TestControlPlane().serve(Agent, {
    getManifest: () => ({
      agentId: id(1),
      scripts: scripts.map((script, index) => ({ id: id(10 + index), logSourceId: id(20 + index), ...script })),
    }),
    updateStartup: () => ({}),
    updateLifecycle: () => ({}),
    getAnnouncementBanners: () => ({}),
    scriptCompleted: () => ({}),
    batchCreateLogs: () => ({}),
    reportConnection: () => ({}),
    ...more,
  });
}

function statesOf(plane: TestControlPlane): readonly string[] {
  return plane.calls.filter(({ method }) => method === "UpdateLifecycle")
    .map(({ request }) => Lifecycle_State[request.lifecycle.state as Lifecycle_State]);
}

/** A plugin whose work belongs to the end of the agent. */
function working(work: LifecycleWork): Plugin {
  return definePlugin({
    ...{ id: "working", version: "1.0.0", api: 1, summary: "Has work.", stability: "stable" },
    needs: { lifecycle: LifecycleReports },
    setup: (ctx) => ctx.services.lifecycle.add(work, ctx.signal),
  });
}

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("the end: shutting down is told, ssh ends, then the stop work runs while the local sockets still answer, then off", () =>
  inDirectory(async (directory) => {
    const plane = planeWith();
    plane.answer = () => Response.json({ public_key: "", private_key: "PEM" });
    const steps: string[] = [];
    const sockets = {
      agent: join(directory, "rpc.sock"),
      boundary: join(directory, "b.sock"),
      ssh: join(directory, "s.sock"),
    };
    const sshEnded = Promise.withResolvers<void>();
    const agent: TestAgent = await createTestAgent({
      plugins: [
        controlplane,
        agentproc,
        agentsocket,
        boundarylogs,
        ssh,
        working({
          async stop() {
            await sshEnded.promise;
            await plane.until(() => statesOf(plane).includes("SHUTTING_DOWN"));
            steps.push("stop work");
            using client = new DrpcClient(
              connByteStream(await Deno.connect({ transport: "unix", path: sockets.agent })),
            );
            await typedClient(AgentSocket, () => client).ping({});
            steps.push("the agent socket answers");
            using jail = await Deno.connect({ transport: "unix", path: sockets.boundary });
            steps.push("the jail's socket takes connections");
            void jail;
            for (const path of ["controlplane/git-ssh-key", "processes/list"]) {
              const response = await agent.get(`/api/v0/${path}`);
              steps.push(`${path} answers ${response.status}`);
              await response.body?.cancel();
            }
            return "ok";
          },
        }),
      ],
      controlPlane: plane,
      time: "real",
      agent: { listen: { tcp: null, unix: null, agentSocket: sockets.agent } },
      config: {
        boundarylogs: { socketPath: sockets.boundary },
        ssh: { listen: null, unix: sockets.ssh, hostKeyFile: join(directory, "key") },
      },
    });
    await plane.until(() => statesOf(plane).includes("READY"));
    using client = await Deno.connect({ transport: "unix", path: sockets.ssh });
    const reading = new Response(client.readable).text().then(() => {
      steps.push("ssh ended");
      sshEnded.resolve();
    });

    await agent.stop();
    await reading;

    assertEquals(steps, [
      "ssh ended",
      "stop work",
      "the agent socket answers",
      "the jail's socket takes connections",
      "controlplane/git-ssh-key answers 200",
      "processes/list answers 503",
    ]);
    assertEquals(statesOf(plane), ["STARTING", "READY", "SHUTTING_DOWN", "OFF"]);
    for (const path of Object.values(sockets)) {
      assert(await Deno.connect({ transport: "unix", path }).then(() => false, () => true), `${path} is closed`);
    }
    await agent[Symbol.asyncDispose]();
  }));

Deno.test("the end: a second stop is the first one, and stop scripts run once", () =>
  inDirectory(async (directory) => {
    const file = join(directory, "ran");
    const plane = planeWith([{ script: `echo ran >> ${file}`, runOnStop: true }]);
    const agent = await createTestAgent({
      plugins: [controlplane, scripts],
      controlPlane: plane,
      time: "real",
      agent: { scriptDataDir: directory },
      config: { scripts: { logDir: directory } },
    });
    await plane.until(() => statesOf(plane).includes("READY"));

    const [first, second] = await Promise.all([agent.stop("one"), agent.stop("two")]);
    const third = await agent.stop("three");

    assertEquals([first.reason, second, third], ["one", first, first]);
    assertEquals(await Deno.readTextFile(file), "ran\n");
    await agent[Symbol.asyncDispose]();
  }));

Deno.test("the end: what is said on and on ends with the decision to stop, and the rest is said first", async () => {
  const plane = planeWith();
  const gate = Promise.withResolvers<"ok">();
  const ended: string[] = [];
  const talking = definePlugin({
    ...{ id: "talking", version: "1.0.0", api: 1, summary: "Talks.", stability: "stable" },
    setup(ctx) {
      for (const until of ["drain", "stop"] as const) {
        ctx.rpc.whileConnected(until, (_, signal) =>
          new Promise((resolve) =>
            signal.addEventListener("abort", () => {
              ended.push(until);
              resolve();
            }, { once: true })
          ), { until });
      }
    },
  });
  const agent = await createTestAgent({
    plugins: [controlplane, talking, working({ stop: () => gate.promise })],
    controlPlane: plane,
  });
  await plane.until(() => statesOf(plane).includes("READY"));

  const stopped = agent.stop();
  await plane.until(() => statesOf(plane).includes("SHUTTING_DOWN"));
  const endedDuringStopWork = [...ended];
  gate.resolve("ok");
  await stopped;

  assertEquals([endedDuringStopWork, ended], [["drain"], ["drain", "stop"]]);
  assertEquals(plane.connections, 1);
  await agent[Symbol.asyncDispose]();
});

Deno.test("the end: the last state and the last lines have five seconds together, and stop work has none of them", async () => {
  const words = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Record<never, never>>();
  let isCut = false;
  const plane = planeWith([], {
    updateLifecycle: ({ lifecycle }: { lifecycle?: { state: Lifecycle_State } }) =>
      lifecycle?.state === Lifecycle_State.OFF ? answer.promise : {},
  });
  const agent: TestAgent = await createTestAgent({
    plugins: [
      controlplane,
      working({
        stop: () => agent.clock.sleep(60_000).then(() => "ok"),
        lastWords: (signal) =>
          new Promise((resolve) => {
            words.resolve();
            signal.addEventListener("abort", () => {
              isCut = true;
              resolve();
            }, { once: true });
          }),
      }),
    ],
    controlPlane: plane,
  });
  await plane.until(() => statesOf(plane).includes("READY"));

  let isOver = false;
  const stopped = agent.stop().then(() => isOver = true);
  await plane.until(() => statesOf(plane).includes("SHUTTING_DOWN"));
  await agent.clock.advance(60_000);
  await words.promise;
  await plane.until(() => statesOf(plane).includes("OFF"));
  await agent.clock.advance(4_999);
  const isCutEarly = isCut;
  await agent.clock.advance(1);
  const isCutInTime = isCut;
  answer.resolve({});
  while (!isOver) await agent.clock.advance(1000);
  await stopped;

  assertEquals([isCutEarly, isCutInTime], [false, true]);
  await agent[Symbol.asyncDispose]();
});
