import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { aborted } from "../aborted.ts";
import { RpcUnavailableError } from "../errors.ts";
import type { Logger } from "../plugin.ts";
import { Agent, Lifecycle_State } from "../proto/gen/agent_pb.ts";
import { TestControlPlane } from "../testing/control_plane.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { parseVersion } from "./api_version.ts";
import { Backoff } from "./backoff.ts";
import { RpcConnection } from "./connection.ts";
import { RpcError } from "./drpc/error.ts";

class TestLog implements Logger {
  readonly lines: string[] = [];
  debug(message: string): void {
    this.lines.push(`debug ${message}`);
  }
  info(message: string): void {
    this.lines.push(`info ${message}`);
  }
  warn(message: string, fields?: unknown): void {
    this.lines.push(`warn ${message} ${JSON.stringify(fields)}`);
  }
  error(message: string): void {
    this.lines.push(`error ${message}`);
  }
}

function setUp(plane: TestControlPlane | null = new TestControlPlane()) {
  const clock = new VirtualClock();
  const log = new TestLog();
  const connection = new RpcConnection({ dial: plane?.dial, clock, log, backoff: new Backoff({ random: () => 0 }) });
  return { plane: plane!, clock, log, connection, rpc: connection.open() };
}

function serveLifecycle(plane: TestControlPlane): TestControlPlane {
  return plane.serve(Agent, { updateLifecycle: (request) => request.lifecycle ?? {} });
}

Deno.test("client() calls the control plane while connected", async () => {
  const { plane, clock, connection, rpc } = setUp(serveLifecycle(new TestControlPlane()));
  connection.start();
  await plane.until(() => plane.isConnected);
  const agent = rpc.client(Agent);
  await clock.advance(0);

  const answer = await agent.updateLifecycle({ lifecycle: { state: Lifecycle_State.READY } });

  assertEquals(answer.state, Lifecycle_State.READY);
  assertEquals(connection.status, { state: "connected", version: "2.10" });
  await connection.stop();
});

Deno.test("client() says why it cannot call: nothing configured, not connected, stopping", async () => {
  const alone = setUp(null);
  alone.connection.start();
  const { connection, rpc } = setUp();

  const reasons = [
    await reasonOf(alone.rpc.client(Agent).getManifest({})),
    await reasonOf(rpc.client(Agent).getManifest({})),
  ];
  await connection.stop();
  reasons.push(await reasonOf(rpc.client(Agent).getManifest({})));

  assertEquals(reasons, ["not_configured", "disconnected", "stopping"]);
});

Deno.test("client() refuses a call the agreed version lacks, and names both versions", async () => {
  const { plane, connection, rpc } = setUp();
  plane.version = parseVersion("2.3");
  connection.start();
  await plane.until(() => plane.isConnected);

  const error = await assertRejects(() => rpc.client(Agent).pushContextState({}), RpcUnavailableError);

  assertEquals(error.reason, "version");
  assertStringIncludes(error.message, "speaks API 2.3 and the call needs 2.10");
  await connection.stop();
});

Deno.test("client() passes on the control plane's own errors unchanged", async () => {
  const plane = new TestControlPlane().serve(Agent, {
    getManifest: () => Promise.reject(new RpcError("no such agent", 7n)),
  });
  const { connection, rpc } = setUp(plane);
  connection.start();
  await plane.until(() => plane.isConnected);

  const error = await assertRejects(() => rpc.client(Agent).getManifest({}), RpcError, "no such agent");

  assertEquals(error.remoteCode, 7n);
  await connection.stop();
});

Deno.test("client() tells a call whose connection was lost from one that was refused", async () => {
  const called = Promise.withResolvers<void>();
  const plane = new TestControlPlane().serve(Agent, {
    getManifest: (_request, { signal }) => {
      called.resolve();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  });
  const { connection, rpc } = setUp(plane);
  connection.start();
  await plane.until(() => plane.isConnected);

  const call = reasonOf(rpc.client(Agent).getManifest({}));
  await called.promise;
  await plane.disconnect();

  assertEquals(await call, "lost");
  await connection.stop();
});

Deno.test("RpcConnection waits longer after each failure and starts again short after a stable connection", async () => {
  const { plane, clock, connection } = setUp();
  plane.refusal = new Error("no route");
  const attempts: number[] = [];
  const began = clock.now();
  const counting = new RpcConnection({
    dial: (signal) => {
      attempts.push(clock.now() - began);
      return plane.dial(signal);
    },
    clock,
    log: new TestLog(),
    backoff: new Backoff({ random: () => 0 }),
  });

  counting.start();
  await clock.advance(600);
  assertEquals(attempts.map(Math.round), [0, 100, 262, 524]);

  plane.refusal = undefined;
  await clock.advance(500);
  await clock.advance(30_000);
  await plane.disconnect();
  await clock.untilSleeping(1);
  const lostAt = clock.now() - began;
  await clock.advance(100);
  assertEquals(attempts.at(-1)! - lostAt, 100);
  await counting.stop();
  await connection.stop();
});

Deno.test("whileConnected() runs its work once for each connection, also for one that is there already", async () => {
  const { plane, clock, connection, rpc } = setUp();
  const runs: string[] = [];
  const record = (name: string) => async (_rpc: unknown, signal: AbortSignal) => {
    runs.push(`${name} begins`);
    await aborted(signal);
    runs.push(`${name} ends`);
  };
  rpc.whileConnected("first", record("first"));
  connection.start();
  await plane.until(() => plane.isConnected);
  await clock.advance(1);
  rpc.whileConnected("late", record("late"));
  await clock.advance(1);

  await plane.disconnect();
  await clock.advance(1_000);

  assertEquals(runs, [
    ...["first begins", "late begins"],
    ...["first ends", "late ends"],
    ...["first begins", "late begins"],
  ]);
  await connection.stop();
});

Deno.test("whileConnected() makes a new connection when its work throws", async () => {
  const { plane, clock, log, connection, rpc } = setUp();
  let runs = 0;
  rpc.whileConnected("report", async (_rpc, signal) => {
    if (++runs === 1) throw new Error("no luck");
    await aborted(signal);
  });

  connection.start();
  await clock.advance(1_000);

  assertEquals([plane.connections, runs], [2, 2]);
  assertStringIncludes(log.lines.join("\n"), 'routine failed, connecting again {"routine":"report","error":"no luck"}');
  await connection.stop();
});

Deno.test("whileConnected() keeps the connection when its work needs a newer control plane", async () => {
  const { plane, clock, connection, rpc } = setUp();
  plane.version = parseVersion("2.0");
  rpc.whileConnected("context", async (rpc) => void await rpc.client(Agent).pushContextState({}));

  connection.start();
  await clock.advance(60_000);

  assertEquals(plane.connections, 1);
  await connection.stop();
});

Deno.test("drain() ends routines that last until the drain, and their errors do not touch the connection", async () => {
  const plane = serveLifecycle(new TestControlPlane());
  const { clock, connection, rpc } = setUp(plane);
  const asked = Promise.withResolvers<void>();
  rpc.whileConnected("stats", async (_rpc, signal) => {
    await aborted(signal);
    throw new Error("EOF");
  });
  rpc.whileConnected("lifecycle", async (rpc, signal) => {
    await asked.promise;
    await rpc.client(Agent).updateLifecycle({ lifecycle: { state: Lifecycle_State.OFF } });
    await aborted(signal);
  }, { until: "stop" });
  connection.start();
  await clock.advance(1);

  connection.drain();
  await clock.advance(1);
  asked.resolve();

  const [last] = await plane.untilCalled("UpdateLifecycle");
  assertEquals(last.lifecycle.state, Lifecycle_State.OFF);
  assertEquals([plane.connections, plane.isConnected], [1, true]);
  await connection.stop();
  await plane.until(() => !plane.isConnected);
});

Deno.test("whileConnected() ends a call that nobody answers with the routine that made it", async () => {
  const called = Promise.withResolvers<void>();
  const plane = new TestControlPlane().serve(Agent, {
    getManifest: () => {
      called.resolve();
      return new Promise<never>(() => {});
    },
  });
  const { connection, rpc } = setUp(plane);
  let failure: unknown;
  rpc.whileConnected("ask", async (own) => {
    await own.client(Agent).getManifest({}).catch((error) => {
      failure = error;
      throw error;
    });
  });
  connection.start();
  await called.promise;

  await rpc[Symbol.asyncDispose]();

  assertEquals(failure instanceof Error && failure.message, "the plugin stops");
  assertEquals(plane.isConnected, true);
  await connection.stop();
});

Deno.test("drain() prevents further attempts but lets one that is under way succeed, for last words", async () => {
  const plane = serveLifecycle(new TestControlPlane());
  const gate = Promise.withResolvers<void>();
  const clock = new VirtualClock();
  const connection = new RpcConnection({
    dial: async (signal) => {
      await gate.promise;
      return plane.dial(signal);
    },
    clock,
    log: new TestLog(),
  });
  const rpc = connection.open();
  rpc.whileConnected("lifecycle", async (rpc, signal) => {
    await rpc.client(Agent).updateLifecycle({ lifecycle: { state: Lifecycle_State.OFF } });
    await aborted(signal);
  }, { until: "stop" });
  connection.start();

  connection.drain();
  gate.resolve();
  await plane.untilCalled("UpdateLifecycle");
  await plane.disconnect();
  await clock.advance(60_000);

  assertEquals(plane.connections, 1);
  await connection.stop();
});

Deno.test("stop() ends an attempt to connect, and an agent that never connected", async () => {
  const connection = new RpcConnection({
    dial: (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    clock: new VirtualClock(),
    log: new TestLog(),
  });
  connection.start();

  await connection.stop();

  assertEquals(connection.status.state, "stopped");
});

Deno.test("open() gives access whose routines end with its owner, and does not begin them again", async () => {
  const { plane, clock, connection } = setUp();
  const access = connection.open();
  const runs: string[] = [];
  access.whileConnected("report", async (_rpc, signal) => {
    runs.push("begins");
    await aborted(signal);
    runs.push("ends");
  }, { until: "stop" });
  connection.start();
  await clock.advance(1);

  await access[Symbol.asyncDispose]();
  await plane.disconnect();
  await clock.advance(1_000);

  assertEquals([runs, plane.connections], [["begins", "ends"], 2]);
  await connection.stop();
});

async function reasonOf(call: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => call, RpcUnavailableError)).reason;
}
