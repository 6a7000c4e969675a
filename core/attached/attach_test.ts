import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl } from "@std/path";

import { createAgent } from "../agent.ts";
import { systemClock } from "../clock.ts";
import { definePlugin } from "../plugin.ts";
import { createTestAgent, type TestAgent, type TestAgentOptions } from "../testing/mod.ts";

const BY_HAND = fromFileUrl(new URL("./testdata/typed_by_hand.ts", import.meta.url));

function startByHand(entry: object = {}, options: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
  return createTestAgent({
    plugins: [],
    entries: {
      hand: { from: `exec:${Deno.execPath()}`, args: ["run", "-A", "--no-config", "--no-lock", BY_HAND], ...entry },
    },
    time: "real",
    ...options,
  });
}

Deno.test("an attached program is a plugin like any other: state, version, routes, settings, metrics, end", async () => {
  await using agent = await startByHand({ config: { size: 3 }, env: ["HOME"] }, {
    env: { HOME: "/tmp", SECRET: "x" },
  });

  assertEquals(agent.state("hand"), "running", agent.status("hand").reason);
  assertEquals(agent.status("hand").version, "1.2.3");
  const response = await agent.get("/api/v0/hand/some/path?x=1:2", { authorization: "Bearer secret", cookie: "a=b" });
  const body = await response.json();
  assertEquals([response.status, body.pathname, body.config], [200, "/api/v0/hand/some/path", { size: 3 }]);
  assertEquals([body.headers.authorization, body.headers.cookie], [undefined, undefined]);
  assertEquals([body.env.HOME, body.env.SECRET], ["/tmp", undefined]);
  assertEquals(await agent.metric("agent_hand_seen_total"), 7);
  assert((await agent.stop()).unfinished.length === 0);
  assertEquals(agent.state("hand"), "stopped");
  await assertRejects(() => Deno.stat(dirname(body.env.OUTPOST_PLUGIN_SOCKET)), Deno.errors.NotFound);
});

Deno.test("an attached program that ends without a word has the reader sent to what it should have said", async () => {
  await using agent = await startByHand({ from: "exec:/bin/true", args: [] }, { ignoreErrors: true });

  assertEquals(agent.status("hand").reason, 'it exited with 0, and had not said "hello": see docs/attached_plugins.md');
});

Deno.test("an attached program's bodies and WebSockets pass through", async () => {
  await using agent = await startByHand();
  const big = new Uint8Array(3_000_000).fill(7);

  const echoed = await agent.post("/api/v0/hand/echo", big);
  const socket = await agent.webSocket("/api/v0/hand/ws");
  socket.send("one");

  assertEquals((await echoed.bytes()).length, big.length);
  assertEquals(await socket.next(), "echo one");
  socket.close(4001, "enough");
  assertEquals((await socket.closed).code, 4001);
});

Deno.test("an attached program that was started again by its failure policy serves again", async () => {
  await using agent = await startByHand({ onFailure: "retry" });
  const pidOf = () => agent.logs("debug").filter(({ message }) => message === "program started").at(-1)?.fields.pid;
  const first = Number(pidOf());

  Deno.kill(first, "SIGKILL");
  await agent.untilState("hand", "failed");
  assertEquals(agent.status("hand").reason, "it was ended by SIGKILL");
  await agent.untilState("hand", "running");

  assertNotEquals(pidOf(), first);
  assertEquals((await (await agent.get("/api/v0/hand")).json()).pathname, "/api/v0/hand");
  agent.errors();
});

Deno.test("an attached program whose socket somebody removed fails for that, and its failure policy brings it back", async () => {
  await using agent = await startByHand({ onFailure: "retry" });
  const { env } = await (await agent.get("/api/v0/hand")).json();
  const directory = dirname(env.OUTPOST_PLUGIN_SOCKET);

  await Deno.remove(directory, { recursive: true });
  const response = await agent.get("/api/v0/hand");
  assertEquals([response.status, (await response.json()).code], [502, "plugin_unreachable"]);
  await agent.untilState("hand", "failed");
  assertEquals(
    agent.status("hand").reason,
    `its HTTP socket "${directory}/http.sock" was removed by somebody, so no request can reach it`,
  );
  await agent.untilState("hand", "running");

  assertEquals((await agent.get("/api/v0/hand")).status, 200);
  agent.errors();
});

Deno.test("requests under way when their program dies are answered, and those after it say why", async () => {
  await using agent = await startByHand();
  const socket = await agent.webSocket("/api/v0/hand/ws");
  const { pid } = agent.logs("debug").find(({ message }) => message === "program started")!.fields;

  Deno.kill(Number(pid), "SIGKILL");

  assertEquals((await socket.closed).code, 1011);
  await agent.untilState("hand", "failed");
  const response = await agent.get("/api/v0/hand");
  const problem = await response.json();
  assertEquals([response.status, problem.code, problem.detail], [503, "plugin_failed", "it was ended by SIGKILL"]);
  agent.errors();
});

Deno.test("an attached program that is not the pinned one is not started, nor tried again", async () => {
  await using agent = await startByHand({ sha256: "0".repeat(64), onFailure: "retry" });

  assertEquals(agent.state("hand"), "failed");
  assertStringIncludes(agent.status("hand").reason ?? "", "but the entry pins 0000");
  assertEquals(agent.logs().filter(({ message }) => message === "program started"), []);
  agent.errors();
});

Deno.test("a program that does not exist fails its plugin with the path", async () => {
  await using agent = await startByHand({ from: "exec:/nowhere/plugin" });

  assertEquals([agent.state("hand"), agent.status("hand").reason], [
    "failed",
    'Cannot start "/nowhere/plugin": it does not exist',
  ]);
  agent.errors();
});

Deno.test("an entry that attaches a plugin takes the place of the built-in one", async () => {
  const builtIn = definePlugin({
    ...{ id: "hand", version: "9.9.9", api: 1, summary: "Built in.", stability: "stable" },
    setup() {},
  });
  await using agent = await startByHand({}, { plugins: [builtIn] });

  assertEquals([agent.state("hand"), agent.status("hand").version], ["running", "1.2.3"]);
});

Deno.test("a program that does not answer a ping before the next one is due fails", async () => {
  await using agent = await startByHand({
    args: ["run", "-A", "--no-config", "--no-lock", BY_HAND, "hang@running"],
  });

  await agent.untilState("hand", "failed");

  assertEquals(agent.status("hand").reason, "it did not answer a ping within 10000 ms");
  agent.errors();
});

Deno.test("an attached program has its time to start, also when somebody sets the clock meanwhile", async () => {
  let setByMs = 0;
  const args = ["run", "-A", "--no-config", "--no-lock", BY_HAND, "late@ready"];
  await using agent = createAgent({
    plugins: [],
    config: {
      agent: { listen: { tcp: null, unix: null }, log: { level: "debug" } },
      plugins: { hand: { from: `exec:${Deno.execPath()}`, args } },
    },
    env: {},
    logSink: ({ rawMessage }) => void (setByMs = rawMessage === "program started" ? 3_600_000 : setByMs),
    clock: { ...systemClock, now: () => Date.now() + setByMs },
  });

  await agent.start();

  assertEquals([setByMs, ...agent.plugins().map(({ id, state }) => `${id} ${state}`)], [3_600_000, "hand running"]);
});

Deno.test("an attached program has its time to start, however long other plugins take for their set-up", async () => {
  let passedMs = 0;
  const args = ["run", "-A", "--no-config", "--no-lock", BY_HAND, "late@ready"];
  const slow = definePlugin({
    ...{ id: "slow", version: "1.0.0", api: 1, summary: "Is set up last, an hour later.", stability: "stable" },
    async setup() {
      while (stateOf("hand") !== "prepared") await new Promise((resolve) => setImmediate(resolve));
      passedMs = 3_600_000;
    },
  });
  await using agent = createAgent({
    plugins: [slow],
    config: {
      agent: { listen: { tcp: null, unix: null } },
      plugins: { hand: { from: `exec:${Deno.execPath()}`, args } },
    },
    env: {},
    logSink: () => {},
    clock: { ...systemClock, elapsed: () => systemClock.elapsed!() + passedMs },
  });
  const stateOf = (id: string) => agent.plugins().find((each) => each.id === id)?.state;

  await agent.start();

  assertEquals([stateOf("slow"), stateOf("hand")], ["running", "running"]);
});

Deno.test("an attached program's answers arrive as they are made, and end with whoever left", async () => {
  await using agent = await startByHand();
  const left = new AbortController();

  const response = await agent.fetch("/api/v0/hand/endless", { signal: left.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "piece 1\n");
  await reader.cancel();

  let ended: unknown;
  while (ended !== 1) ended = (await (await agent.get("/api/v0/hand/ended")).json()).ended;
});

Deno.test("an attached program that answers before it has read the body is heard, and the rest is let go", async () => {
  await using agent = await startByHand();
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve));
      controller.enqueue(new Uint8Array(64 * 1024));
    },
    cancel: () => void (isCancelled = true),
  });

  const response = await agent.fetch("/api/v0/hand/refuse", { method: "POST", body });

  assertEquals([response.status, await response.text()], [403, "no"]);
  while (!isCancelled) await new Promise((resolve) => setImmediate(resolve));
});

Deno.test("a body that is too large for the agent never reaches the attached program as a whole one", async () => {
  await using agent = await startByHand({}, { agent: { http: { maxBodyBytes: 1000 } } });
  const pieces = ReadableStream.from(Array.from({ length: 10 }, () => new Uint8Array(500)));

  const response = await agent.fetch("/api/v0/hand/echo", { method: "POST", body: pieces });

  assertEquals([response.status, (await response.json()).code], [413, "body_too_large"]);
});

Deno.test("a reload leaves an attached program alone that nothing changed for, and starts it anew with other settings", async () => {
  const from = `exec:${Deno.execPath()}`;
  const entry = { from, args: ["run", "-A", "--no-config", "--no-lock", BY_HAND] };
  await using agent = await startByHand({ config: { size: 3 } });
  const configNow = async () => (await (await agent.get("/api/v0/hand/x")).json()).config;

  const same = await agent.reload({ entries: { hand: { ...entry, config: { size: 3 } } } });
  const other = await agent.reload({ entries: { hand: { ...entry, config: { size: 4 } } } });

  assertEquals([...same.plugins, ...other.plugins].map(({ action }) => action), ["untouched", "restarted"]);
  assertEquals(await configNow(), { size: 4 });
});

Deno.test("a reload leaves an attached program alone whose entry did not change, and starts it again when it did", async () => {
  await using agent = await startByHand();
  const pids = () =>
    agent.logs("debug").filter(({ message }) => message === "program started").map(({ fields }) => fields.pid);
  const entry = { from: `exec:${Deno.execPath()}`, args: ["run", "-A", "--no-config", "--no-lock", BY_HAND] };
  const own = { listen: { tcp: null, unix: null }, log: { level: "debug" } };
  const config = (hand: object) => ({ agent: own, plugins: { hand } });

  await agent.agent.reload({ config: config(entry) });
  const kept = pids().length;
  await agent.agent.reload({ config: config({ ...entry, config: { size: 9 } }) });

  assertEquals([kept, pids().length], [1, 2]);
  const { config: settings } = await (await agent.get("/api/v0/hand")).json();
  assertEquals([settings, agent.status("hand").version], [{ size: 9 }, "1.2.3"]);
});

Deno.test("whoever connects to the private socket of a running program is refused, and the program goes on", async () => {
  await using agent = await startByHand();
  const { env } = await (await agent.get("/api/v0/hand")).json();

  using stranger = await Deno.connect({ transport: "unix", path: env.OUTPOST_PLUGIN_SOCKET });
  await stranger.write(new TextEncoder().encode('{"type":"hello"}\n'));
  const buffer = new Uint8Array(1000);
  const length = await stranger.read(buffer) ?? 0;

  assertEquals(JSON.parse(new TextDecoder().decode(buffer.subarray(0, length))), {
    ...{ type: "refuse", reason: "the plugin is connected already" },
  });
  assertEquals((await (await agent.get("/api/v0/hand")).json()).pathname, "/api/v0/hand");
  assertEquals(agent.state("hand"), "running");
});
