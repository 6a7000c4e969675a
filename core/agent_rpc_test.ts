import { assertEquals, assertRejects } from "@std/assert";

import { RpcUnavailableError } from "./errors.ts";
import { definePlugin } from "./plugin.ts";
import { Agent, Lifecycle_State } from "./proto/gen/agent_pb.ts";
import { AgentSocket } from "./proto/gen/agentsocket_pb.ts";
import { connByteStream } from "./rpc/conn_byte_stream.ts";
import { DrpcClient } from "./rpc/drpc/client.ts";
import { typedClient } from "./rpc/typed_client.ts";
import { TestControlPlane } from "./testing/control_plane.ts";
import { createTestAgent } from "./testing/test_agent.ts";

const BASE = { version: "1.0.0", api: 1, stability: "beta", summary: "For a test." } as const;

function plane(): TestControlPlane {
  return new TestControlPlane().serve(Agent, {
    updateLifecycle: (request) => request.lifecycle ?? {},
    updateStartup: (request) => request.startup ?? {},
  });
}

/** Reports ready when connected and off while the agent drains, as a plugin does that keeps a control plane informed. */
const reporter = definePlugin({
  ...BASE,
  id: "reporter",
  setup(ctx) {
    const off = Promise.withResolvers<void>();
    const drained = Promise.withResolvers<void>();
    ctx.rpc.whileConnected("lifecycle", async (rpc) => {
      const agent = rpc.client(Agent);
      await agent.updateLifecycle({ lifecycle: { state: Lifecycle_State.READY } });
      await off.promise;
      await agent.updateLifecycle({ lifecycle: { state: Lifecycle_State.OFF } });
      drained.resolve();
    }, { until: "stop" });
    ctx.hooks.onDrain(async () => {
      off.resolve();
      await drained.promise;
    });
  },
});

Deno.test("ctx.rpc reports while the agent runs, and says its last words while it drains", async () => {
  const controlPlane = plane();
  await using agent = await createTestAgent({ plugins: [reporter], controlPlane });
  await controlPlane.untilCalled("UpdateLifecycle");

  await agent.stop();

  const states = controlPlane.calls.map((call) => call.request.lifecycle.state);
  assertEquals(states, [Lifecycle_State.READY, Lifecycle_State.OFF]);
  assertEquals([controlPlane.connections, controlPlane.isConnected], [1, false]);
});

Deno.test("ctx.rpc comes back after the control plane was away, and its calls say so meanwhile", async () => {
  const controlPlane = plane();
  const failures: unknown[] = [];
  const caller = definePlugin({
    ...BASE,
    id: "caller",
    setup(ctx) {
      const agent = ctx.rpc.client(Agent);
      ctx.routes.app.post("/call", async (c) => {
        try {
          await agent.updateStartup({ startup: { version: "v1" } });
          return c.text("done");
        } catch (error) {
          failures.push(error);
          return c.text("failed");
        }
      });
    },
  });
  await using agent = await createTestAgent({ plugins: [caller], controlPlane });
  const call = async () => await (await agent.post("/api/v0/caller/call")).text();
  await controlPlane.until(() => controlPlane.isConnected);
  await agent.clock.advance(0);

  const first = await call();
  controlPlane.refusal = new Error("away");
  await controlPlane.disconnect();
  await agent.clock.advance(3_600_000);
  const meanwhile = await call();
  controlPlane.refusal = undefined;
  await agent.clock.advance(10_000);
  const last = await call();

  assertEquals([first, meanwhile, last], ["done", "failed", "done"]);
  assertEquals(failures.map((error) => (error as RpcUnavailableError).reason), ["disconnected"]);
});

Deno.test("ctx.rpc says that no control plane is configured, and nothing waits for one", async () => {
  let asked: Promise<unknown> | undefined;
  const lonely = definePlugin({
    ...BASE,
    id: "lonely",
    setup(ctx) {
      ctx.rpc.whileConnected("never", () => Promise.reject(new Error("not connected to anything")));
      asked = ctx.rpc.client(Agent).getManifest({});
      asked.catch(() => {});
    },
  });
  await using agent = await createTestAgent({ plugins: [lonely] });

  const error = await assertRejects(() => asked!, RpcUnavailableError);

  assertEquals([error.reason, agent.state("lonely")], ["not_configured", "running"]);
});

Deno.test("ctx.rpc ends the routines of a plugin that fails, and of no other", async () => {
  const controlPlane = plane();
  const events: string[] = [];
  const routine = (id: string) =>
    definePlugin({
      ...BASE,
      id,
      setup(ctx) {
        ctx.rpc.whileConnected("watch", async (_rpc, signal) => {
          events.push(`${id} begins`);
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
          events.push(`${id} ends`);
        });
      },
    });
  await using agent = await createTestAgent({
    plugins: [routine("first"), routine("second")],
    controlPlane,
    ignoreErrors: true,
  });
  await controlPlane.until(() => controlPlane.isConnected);
  await agent.clock.advance(0);

  await agent.crash("first");

  assertEquals(events, ["first begins", "second begins", "first ends"]);
  assertEquals(controlPlane.isConnected, true);
});

Deno.test("ctx.socket.service() is served on the agent socket until the plugin stops", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/rpc.sock`;
  const service = definePlugin({
    ...BASE,
    id: "service",
    setup(ctx) {
      ctx.socket.service(AgentSocket, { ping: () => ({}), syncReady: ({ unit }) => ({ ready: unit === "db" }) });
    },
  });
  await using agent = await createTestAgent({
    plugins: [service],
    agent: { listen: { tcp: null, unix: null, agentSocket: path } },
  });
  const client = new DrpcClient(connByteStream(await Deno.connect({ transport: "unix", path })));
  const calls = typedClient(AgentSocket, () => client);

  const answers = [await calls.syncReady({ unit: "db" }), await calls.syncReady({ unit: "web" })];
  await agent.stop();

  assertEquals(answers.map((answer) => answer.ready), [true, false]);
  await assertRejects(() => calls.ping({}));
  assertEquals([...Deno.readDirSync(directory)], []);
  client.close();
  await Deno.remove(directory);
});
