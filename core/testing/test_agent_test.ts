import { assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";

import { definePlugin, defineService, type PluginContext } from "../plugin.ts";
import { conformance } from "./conformance.ts";
import { fake } from "./fake.ts";
import { createTestAgent } from "./test_agent.ts";

interface Greeter {
  greet(name: string): string;
  part(): void;
}
const Greeter = defineService<Greeter>("greeter/greeter");

function plugin(setup: (ctx: PluginContext<unknown, Record<never, never>>) => void | Promise<void>) {
  return definePlugin({ id: "pp", version: "1.0.0", api: 1, summary: "For tests.", stability: "stable", setup });
}

const echo = definePlugin({
  id: "echo",
  version: "1.0.0",
  api: 1,
  summary: "Says back what it hears.",
  stability: "stable",
  setup(ctx) {
    const heard = ctx.metrics.counter("heard_total", { help: "Messages heard; a rise means somebody talks." });
    ctx.routes.app.post("/", async (c) => c.json(await c.req.json()));
    ctx.routes.webSocket("/socket", (c) => {
      if (c.req.query("refuse") !== undefined) return c.text("refused", 403);
      return async (socket) => {
        for await (const message of socket) {
          heard.inc();
          await socket.send(message);
        }
      };
    });
  },
});

conformance(echo);

Deno.test("TestAgent answers requests and opens WebSockets without a network", async () => {
  await using agent = await createTestAgent({ plugins: [echo] });

  assertEquals(await (await agent.post("/api/v0/echo", { a: 1 })).json(), { a: 1 });
  const socket = await agent.webSocket("/api/v0/echo/socket");
  socket.send("hello");

  assertEquals(await socket.next(), "hello");
  assertEquals(await agent.metric("agent_echo_heard_total"), 1);
  await agent.stop();
  assertEquals((await socket.closed).code, 1001);
});

Deno.test("TestAgent.webSocket() fails when the upgrade is refused", async () => {
  await using agent = await createTestAgent({ plugins: [echo] });

  await assertRejects(() => agent.webSocket("/api/v0/echo/socket?refuse"), Error, "Cannot open");
});

Deno.test("createTestAgent() fails the test for errors nobody read, and not for those that were", async () => {
  const failing = plugin(() => Promise.reject(new Error("on purpose")));

  await assertRejects(
    async () => {
      await using _ = await createTestAgent({ plugins: [failing] });
    },
    Error,
    "error in the log: plugin error",
  );
  await using agent = await createTestAgent({ plugins: [failing] });
  assertStringIncludes(String(agent.errors()[0]?.fields.error), "on purpose");
});

Deno.test("createTestAgent() fails the test for work and timers left behind", async () => {
  const leaking = plugin(function forgetsToCancel(ctx) {
    void ctx.clock.sleep(1e9);
  });

  const error = await assertRejects(async () => {
    await using _ = await createTestAgent({ plugins: [leaking] });
  }, Error);

  assertStringIncludes(error.message, "not cancelled: sleep of 1000000000 ms");
  assertMatch(error.message, /at .*forgetsToCancel .*test_agent_test\.ts/);
});

/** What an agent with such a plugin, in real time, is found to have left behind. */
async function leftBehind(setup: Parameters<typeof plugin>[0]): Promise<string> {
  const error = await assertRejects(async () => {
    await using _ = await createTestAgent({
      plugins: [plugin(setup)],
      agent: { deadlines: { stopMs: 50 } },
      ...{ time: "real", ignoreErrors: true },
    });
  }, Error);
  return error.message;
}

Deno.test("createTestAgent() names the stack that began a task which does not end", async () => {
  const end = Promise.withResolvers<void>();

  const message = await leftBehind(function beginsTask(ctx) {
    ctx.tasks.run("endless", () => end.promise);
  });
  end.resolve();

  assertMatch(
    message,
    /still running: task "endless", begun by task "endless"\n\s+at .*beginsTask .*test_agent_test\.ts/,
  );
});

Deno.test("createTestAgent() names the stack that took a resource which is not let go", async () => {
  const end = Promise.withResolvers<void>();

  const message = await leftBehind(function takesResource(ctx) {
    ctx.defer(() => end.promise);
  });
  end.resolve();

  assertMatch(
    message,
    /still running: stop of plugin "pp", begun by a resource\n[^]*at .*takesResource .*test_agent_test\.ts/,
  );
});

Deno.test("createTestAgent() names the stack that opened a file or a socket past the context", async () => {
  const opened: { close(): void }[] = [];

  const message = await leftBehind(async function opensThings() {
    opened.push(await Deno.open(new URL(import.meta.url)), Deno.listen({ port: 0 }));
  });
  for (const each of opened) each.close();

  assertMatch(
    message,
    /plugin "pp" left a resource open \(fsFile\), from Deno\.open\(\)\n\s+at .*opensThings .*test_agent_test/,
  );
  assertMatch(message, /\(tcpListener\), from Deno\.listen\(\)/);
});

Deno.test("createTestAgent() leaves alone what a plugin closed and what the test itself holds", async () => {
  const closing = plugin(async (ctx) => {
    ctx.defer(await Deno.open(new URL(import.meta.url)));
    (await Deno.open(new URL(import.meta.url))).close();
  });
  await using agent = await createTestAgent({ plugins: [closing] });
  const own = await Deno.open(new URL(import.meta.url));
  await agent[Symbol.asyncDispose]();
  own.close();
});

Deno.test("fake() gives the members of the test and names a missing one", async () => {
  const asking = definePlugin({
    ...{ id: "asking", version: "1.0.0", api: 1, summary: "Asks.", stability: "stable" },
    needs: { greeter: Greeter },
    setup(ctx) {
      ctx.routes.app.get("/", (c) => c.text(ctx.services.greeter.greet("you")));
    },
  });
  await using agent = await createTestAgent({
    plugins: [asking],
    services: [fake(Greeter, { greet: (name) => `hi ${name}` })],
  });

  assertEquals(await (await agent.get("/api/v0/asking")).text(), "hi you");
  assertThrows(() => agent.service(Greeter).part(), TypeError, 'The fake of "greeter/greeter" has no member "part"');
});

Deno.test("TestAgent.metric() finds a series whatever the order of its labels", async () => {
  await using agent = await createTestAgent({
    plugins: [plugin((ctx) => {
      const labels = { a: ["1"], b: ["x y"] } as const;
      ctx.metrics.counter("seen_total", { help: "Seen.", labels }).inc({ b: "x y", a: "1" });
    })],
  });

  assertEquals(await agent.metric("agent_pp_seen_total", { b: "x y", a: "1" }), 1);
  assertEquals(await agent.metric("agent_pp_seen_total", { a: "1" }), undefined);
});
