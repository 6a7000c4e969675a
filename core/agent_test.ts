import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import type { LogRecord } from "@logtape/logtape";

import { type Agent, createAgent } from "./agent.ts";
import { ConfigError, PluginError } from "./errors.ts";
import { LogBuffer } from "./log.ts";
import { definePlugin, defineService, optional, type Plugin, type PluginDefinition } from "./plugin.ts";
import { createTestAgent } from "./testing/test_agent.ts";
import { VirtualClock } from "./testing/virtual_clock.ts";

type Definition = PluginDefinition<Record<never, never>, Record<never, never>>;

function plugin(id: string, more: Partial<Definition> = {}): Plugin {
  return definePlugin({
    id,
    version: "1.0.0",
    api: 1,
    summary: "A plugin of a test.",
    stability: "stable",
    setup(ctx) {
      ctx.routes.app.get("/", (c) => c.text(id));
    },
    ...more,
  });
}

async function textOf(answer: Promise<Response>): Promise<string> {
  return await (await answer).text();
}

Deno.test("Agent.start() brings providers up first, and stop() takes them down last", async () => {
  const Thing = defineService<string>("base/thing");
  const steps: string[] = [];
  const base = definePlugin({
    ...{ id: "base", version: "1.0.0", api: 1, summary: "Provides.", stability: "stable" },
    provides: [Thing],
    setup(ctx) {
      steps.push("base sets up");
      ctx.provide(Thing, "the thing");
      ctx.hooks.onStart(() => void steps.push("base starts"));
      ctx.hooks.onDrain(() => void steps.push("base drains"));
      ctx.hooks.onShutdown(() => void steps.push("base stops"));
    },
  });
  const user = definePlugin({
    ...{ id: "user", version: "1.0.0", api: 1, summary: "Uses.", stability: "stable" },
    needs: { thing: Thing },
    setup(ctx) {
      steps.push(`user sets up with ${ctx.services.thing}`);
      ctx.hooks.onStart(() => void steps.push("user starts"));
      ctx.hooks.onReady(() => void steps.push("user is ready"));
      ctx.hooks.onDrain(() => void steps.push("user drains"));
      ctx.hooks.onShutdown(() => void steps.push("user stops"));
    },
  });

  const agent = await createTestAgent({ plugins: [user, base] });
  await agent.stop();

  assertEquals(steps, [
    "base sets up",
    "user sets up with the thing",
    "base starts",
    "user starts",
    "user is ready",
    "user drains",
    "base drains",
    "user stops",
    "base stops",
  ]);
});

Deno.test("Agent.start() refuses a configuration with problems before any plugin code runs", async () => {
  let ran = false;
  const agent = createAgent({
    plugins: [plugin("aa", { setup: () => void (ran = true), mount: "same" }), plugin("bb", { mount: "same" })],
    config: { plugins: { aaa: true, bb: { config: { unknown: 1 } } }, agent: { lisen: {} } },
    env: {},
  });

  const error = await assertRejects(() => agent.start(), ConfigError);

  assertEquals(ran, false);
  assert(error.problems.length >= 1, error.message);
  await agent.stop();
});

Deno.test("Agent answers for plugins that do not run, with the setting or the cause", async () => {
  await using agent = await createTestAgent({
    plugins: [
      plugin("off", { enabledByDefault: false }),
      plugin("out"),
      plugin("foreign", { supported: () => ({ reason: "needs another system" }) }),
      plugin("broken", {
        setup() {
          throw new Error("no luck");
        },
      }),
    ],
    entries: { out: false },
    ignoreErrors: true,
  });

  async function answer(id: string) {
    const response = await agent.get(`/api/v0/${id}/some/path`);
    const { code, detail } = await response.json();
    return [response.status, code, detail];
  }
  assertEquals(await answer("off"), [
    404,
    "plugin_disabled",
    'off by default: set "plugins": { "off": true } in the configuration to enable it',
  ]);
  assertEquals((await answer("out")).slice(0, 2), [404, "plugin_disabled"]);
  assertEquals(await answer("foreign"), [503, "plugin_skipped", "needs another system"]);
  assertEquals(await answer("broken"), [503, "plugin_failed", "no luck"]);
  assertEquals(await agent.metric("agent_plugin_errors_total", { plugin: "broken", phase: "setup" }), 1);
  assertEquals(await agent.metric("agent_plugin_state", { plugin: "broken", state: "failed" }), 1);
});

Deno.test("Agent turns a throwing route into a 500 with the request's id and counts it, without changing the state", async () => {
  await using agent = await createTestAgent({
    plugins: [plugin("pp", {
      setup(ctx) {
        ctx.routes.app.get("/:id", () => {
          throw new Error("secret detail");
        });
      },
    })],
  });

  const response = await agent.get("/api/v0/pp/7", { "x-request-id": "r-1" });
  const body = await response.json();

  assertEquals([response.status, body.code, body.requestId, body.plugin], [500, "internal", "r-1", "pp"]);
  assert(!JSON.stringify(body).includes("secret detail"));
  assertEquals(agent.state("pp"), "running");
  assertEquals(await agent.metric("agent_plugin_errors_total", { plugin: "pp", phase: "route" }), 1);
  const labels = { plugin: "pp", route: "/api/v0/pp/:id", method: "GET", status: "500" };
  assertEquals(await agent.metric("agent_http_requests_total", labels), 1);
  assertEquals(agent.errors().map((line) => line.fields.request_id), ["r-1"]);
});

Deno.test("Agent keeps two agents of one process apart", async () => {
  const counting = () => {
    let count = 0;
    return plugin("pp", {
      setup(ctx) {
        const seen = ctx.metrics.counter("seen_total", { help: "Requests seen by this plugin." });
        ctx.routes.app.get("/", (c) => (seen.inc(), c.text(String(++count))));
      },
    });
  };
  const shared = counting();
  await using one = await createTestAgent({ plugins: [shared] });
  await using two = await createTestAgent({ plugins: [shared] });

  await textOf(one.get("/api/v0/pp"));
  await textOf(one.get("/api/v0/pp"));
  await textOf(two.get("/api/v0/pp"));

  assertEquals([await one.metric("agent_pp_seen_total"), await two.metric("agent_pp_seen_total")], [2, 1]);
  await one.stop();
  assertEquals((await two.get("/api/v0/pp")).status, 200);
});

Deno.test("Agent rebuilds a plugin without an optional service whose provider failed to start", async () => {
  const Thing = defineService<string>("base/thing");
  const lives: (string | undefined)[] = [];
  const base = definePlugin({
    ...{ id: "base", version: "1.0.0", api: 1, summary: "Fails to start.", stability: "stable" },
    provides: [Thing],
    setup(ctx) {
      ctx.provide(Thing, "the thing");
      ctx.hooks.onStart(() => Promise.reject(new Error("no start")));
    },
  });
  const user = definePlugin({
    ...{ id: "user", version: "1.0.0", api: 1, summary: "Uses.", stability: "stable" },
    needs: { thing: optional(Thing) },
    setup(ctx) {
      lives.push(ctx.services.thing);
    },
  });

  await using agent = await createTestAgent({ plugins: [user, base], ignoreErrors: true });

  assertEquals(lives, ["the thing", undefined]);
  assertEquals([agent.state("base"), agent.state("user")], ["failed", "running"]);
});

Deno.test("Agent tries a plugin again after a retriable failure, and then those that wait for it", async () => {
  const Thing = defineService<string>("base/thing");
  let tries = 0;
  const base = definePlugin({
    ...{ id: "base", version: "1.0.0", api: 1, summary: "Works the third time.", stability: "stable" },
    provides: [Thing],
    setup(ctx) {
      ctx.provide(Thing, "the thing");
      if (++tries < 3) throw Object.assign(new Error("not yet"), { retriable: true });
    },
  });
  const user = definePlugin({
    ...{ id: "user", version: "1.0.0", api: 1, summary: "Uses.", stability: "stable" },
    needs: { thing: Thing },
    setup() {},
  });
  await using agent = await createTestAgent({
    plugins: [user, base],
    entries: { base: { onFailure: "retry" } },
    ignoreErrors: true,
  });
  assertEquals([agent.state("base"), agent.state("user")], ["failed", "skipped"]);

  await agent.clock.advance(120_000);

  assertEquals(tries, 3);
  assertEquals([agent.state("base"), agent.state("user")], ["running", "running"]);
});

Deno.test("Agent does not retry a failure that is not marked retriable, nor beyond the budget", async () => {
  const tries = { plain: 0, endless: 0 };
  const failing = (id: keyof typeof tries, retriable: boolean) =>
    plugin(id, {
      setup() {
        tries[id]++;
        throw Object.assign(new Error("never"), { retriable });
      },
    });
  await using agent = await createTestAgent({
    plugins: [failing("plain", false), failing("endless", true)],
    entries: { plain: { onFailure: "retry" }, endless: { onFailure: "retry" } },
    ignoreErrors: true,
  });

  await agent.clock.advance(300_000);

  assertEquals(tries, { plain: 1, endless: 6 });
});

Deno.test("Agent.start() fails and stops everything when a required plugin fails", async () => {
  const clock = new VirtualClock();
  let released = false;
  const agent = createAgent({
    plugins: [
      plugin("fine", { setup: (ctx) => void ctx.defer(() => void (released = true)) }),
      plugin("needed", {
        setup() {
          throw new Error("no luck");
        },
      }),
    ],
    config: { agent: { listen: { tcp: null } }, plugins: { needed: { required: true } } },
    env: {},
    clock,
    logSink: new LogBuffer().sink,
  });

  await assertRejects(() => agent.start(), PluginError, 'Plugin "needed" failed in setup: no luck');

  assertEquals(released, true);
  assertEquals((await agent.finished).error?.message, 'Plugin "needed" failed in setup: no luck');
});

Deno.test("Agent ends when a required plugin fails while running, and stops those that need a failed one", async () => {
  const Thing = defineService<string>("base/thing");
  const base = definePlugin({
    ...{ id: "base", version: "1.0.0", api: 1, summary: "Provides.", stability: "stable" },
    provides: [Thing],
    setup: (ctx) => ctx.provide(Thing, "thing"),
  });
  const user = definePlugin({
    ...{ id: "user", version: "1.0.0", api: 1, summary: "Uses.", stability: "stable" },
    needs: { thing: Thing },
    setup() {},
  });
  await using agent = await createTestAgent({ plugins: [base, user, plugin("other")], ignoreErrors: true });

  await agent.crash("base");

  assertEquals(["base", "user", "other"].map((id) => agent.state(id)), ["failed", "stopped", "running"]);
  assertEquals((await agent.get("/api/v0/base")).status, 503);

  await using strict = await createTestAgent({
    plugins: [base],
    entries: { base: { required: true } },
    ignoreErrors: true,
  });
  await strict.crash("base");
  assertStringIncludes((await strict.agent.finished).reason, "required plugin");
});

Deno.test("Agent.stop() answers 503 with Retry-After while it drains and waits for requests in flight", async () => {
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const agent = await createTestAgent({
    plugins: [plugin("pp", {
      setup(ctx) {
        ctx.routes.app.get("/slow", async (c) => {
          entered.resolve();
          await gate.promise;
          return c.text("finished");
        });
      },
    })],
  });
  const slow = agent.get("/api/v0/pp/slow");
  await entered.promise;

  const stopped = agent.stop();
  await agent.untilState("pp", "draining");
  const refused = await agent.get("/api/v0/pp/slow");
  gate.resolve();

  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  assertEquals((await refused.json()).code, "plugin_draining");
  assertEquals(await textOf(slow), "finished");
  assertEquals((await stopped).unfinished, []);
});

Deno.test("Agent.stop() during the start ends both, whenever it comes", async () => {
  for (let turns = 0; turns < 40; turns++) {
    const released: string[] = [];
    const held: string[] = [];
    const waiting = (id: string) =>
      plugin(id, {
        async setup(ctx) {
          await turn();
          held.push(id);
          ctx.defer(() => void released.push(id));
          await turn();
          ctx.hooks.onStart(turn);
          ctx.hooks.onReady(turn);
        },
      });
    const agent = createAgent({
      plugins: [waiting("aa"), waiting("bb")],
      config: { agent: { listen: { tcp: "127.0.0.1:0" } } },
      env: {},
      logSink: new LogBuffer().sink,
    });

    const started = agent.start().then(() => "started", () => "refused");
    for (let i = 0; i < turns; i++) await Promise.resolve();
    if (turns > 20) await turn();
    const report = await agent.stop("test");
    await started;
    await turn();
    await turn();

    assertEquals(released.sort(), held.sort());
    assertEquals(report.unfinished, [], JSON.stringify(describe(agent)));
    assertEquals(agent.plugins().some(({ state }) => state === "running"), false);
  }
});

Deno.test("Agent.addresses names its listeners and what running plugins announce", async () => {
  const directory = await Deno.makeTempDir();
  const agent = createAgent({
    plugins: [plugin("pp", {
      setup(ctx) {
        ctx.announce({ addresses: { ssh: "127.0.0.1:2222" }, capabilities: ["pp.fast"], limits: { maxThings: 3 } });
      },
    })],
    config: { agent: { listen: { tcp: "127.0.0.1:0", unix: `${directory}/a.sock` }, tokenFile: `${directory}/token` } },
    env: {},
    logSink: () => {},
  });
  await agent.start();

  const { http, unix, ssh } = agent.addresses;
  assertEquals([unix, ssh], [`${directory}/a.sock`, "127.0.0.1:2222"]);
  const token = (await Deno.readTextFile(agent.tokenFile ?? "")).trim();
  const headers = { authorization: `Bearer ${token}` };
  const info = await (await fetch(`${http}/api/v0/info`, { headers })).json();
  assertEquals([info.capabilities, info.limits.pp], [["pp.fast"], { maxThings: 3 }]);
  const refused = await fetch(`${http}/api/v0/info`);
  assertEquals([refused.status, (await refused.json()).code], [401, "unauthorized"]);

  await agent.stop();
  await assertRejects(() => Deno.stat(`${directory}/token`), Deno.errors.NotFound);
  await assertRejects(() => Deno.stat(`${directory}/a.sock`), Deno.errors.NotFound);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("Agent.start() names the address that is taken and leaves nothing open", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const agent = createAgent({
    plugins: [plugin("pp")],
    config: { agent: { listen: { tcp: `127.0.0.1:${taken.addr.port}` } } },
    env: {},
    logSink: () => {},
  });

  const error = await assertRejects(() => agent.start(), Error);

  assertStringIncludes(error.message, `127.0.0.1:${taken.addr.port}`);
  taken.close();
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function describe(agent: Agent): unknown {
  return agent.plugins().map(({ id, state, reason }) => ({ id, state, reason }));
}

Deno.test("Agent tells every plugin that it stops before anything drains, and goes on when one of them throws", async () => {
  const steps: string[] = [];
  const noting = (id: string) =>
    plugin(id, {
      setup(ctx) {
        ctx.hooks.onStopping((reason) => {
          steps.push(`${id} hears ${reason}`);
          if (id === "aa") throw new Error("on purpose");
        });
        ctx.hooks.onDrain(() => void steps.push(`${id} drains`));
      },
    });
  await using agent = await createTestAgent({ plugins: [noting("aa"), noting("bb")] });

  await agent.stop("SIGTERM");

  assertEquals(steps.slice(0, 2), ["aa hears SIGTERM", "bb hears SIGTERM"]);
  assertEquals(steps.slice(2).sort(), ["aa drains", "bb drains"]);
  assertEquals(agent.errors().length, 1);
});

Deno.test("Agent starts children in the directory a plugin suggests, until the plugin stops", async () => {
  const directory = await Deno.makeTempDir();
  const suggesting = plugin("aa", { setup: (ctx) => ctx.exec.suggestDirectory(directory) });
  const asking = plugin("bb", {
    setup: (ctx) => void ctx.routes.app.get("/", async (c) => c.text(await ctx.exec.directory())),
  });
  await using agent = await createTestAgent({ plugins: [suggesting, asking], ignoreErrors: true });

  assertEquals(await textOf(agent.get("/api/v0/bb")), directory);
  await agent.crash("aa");

  assertEquals(await textOf(agent.get("/api/v0/bb")), "/tmp");
  await Deno.remove(directory);
});

Deno.test("a plugin that asks for another life gets it from whoever runs the agent, with what it left", async () => {
  const seen: unknown[] = [];
  const renewing = plugin("renewing", {
    setup(ctx) {
      seen.push(ctx.renewal.carried);
      ctx.routes.app.post("/", (c) => {
        ctx.renewal.request("there is news", { owner: "ada" });
        ctx.renewal.request("again", { owner: "bob" });
        return c.text("ok");
      });
    },
  });
  const options = {
    plugins: [renewing],
    config: { agent: { listen: { tcp: null } } },
    logSink: () => {},
    carried: { renewing: { owner: "nobody" }, other: { kept: "yes" } },
  };
  const first = createAgent(options);
  await first.start();

  await textOf(first.fetch(new Request("http://localhost/api/v0/renewing", { method: "POST" })));
  const { reason, renewal } = await first.finished;
  await using second = createAgent({ ...options, carried: renewal?.carried });
  await second.start();

  assertEquals(reason, "there is news");
  assertEquals(renewal, { carried: { renewing: { owner: "ada" }, other: { kept: "yes" } } });
  assertEquals(seen, [{ owner: "nobody" }, { owner: "ada" }]);
});

Deno.test("an agent that stops already has no other life to give", async () => {
  let ask: (() => void) | undefined;
  const renewing = plugin("renewing", {
    setup(ctx) {
      ask = () => ctx.renewal.request("too late");
      ctx.hooks.onDrain(() => ask?.());
    },
  });
  const agent = createAgent({ plugins: [renewing], config: { agent: { listen: { tcp: null } } }, logSink: () => {} });
  await agent.start();

  const report = await agent.stop("asked");

  assertEquals([report.reason, report.renewal], ["asked", undefined]);
});

Deno.test("Agent.stop() does not wait for ready hooks that hang, and drains their plugin all the same", async () => {
  const clock = new VirtualClock();
  const hanging = Promise.withResolvers<void>();
  const drained: string[] = [];
  const slow = plugin("slow", {
    setup(ctx) {
      ctx.hooks.onReady(() => {
        hanging.resolve();
        return new Promise(() => {});
      });
      ctx.hooks.onReady(() => void drained.push("a later ready hook ran"));
      ctx.hooks.onDrain(() => {
        ctx.metrics.counter("late_total", { help: "Its context is still open." });
        drained.push("drained");
      });
    },
  });
  const agent = createAgent({
    plugins: [slow],
    config: { agent: { listen: { tcp: null, unix: null } } },
    env: {},
    clock,
    logSink: () => {},
  });
  const [started, began] = [agent.start(), clock.now()];
  await hanging.promise;

  const { unfinished } = await agent.stop();
  await started;

  assertEquals([drained, clock.now() - began], [["drained"], 0]);
  assertEquals(unfinished.map(({ phase }) => phase), ["ready"]);
});

Deno.test("Agent.stop() does not call a ready hook unfinished that ends with what the plugin held", async () => {
  const waiting = Promise.withResolvers<void>();
  const quick = plugin("quick", {
    setup(ctx) {
      ctx.hooks.onReady(async () => {
        waiting.resolve();
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
        for (let left = 3; left > 0; left--) await turn();
      });
    },
  });
  const agent = createAgent({
    plugins: [quick],
    config: { agent: { listen: { tcp: null, unix: null } } },
    env: {},
    logSink: () => {},
  });
  const started = agent.start();
  await waiting.promise;

  const { unfinished } = await agent.stop();
  await started;

  assertEquals(unfinished, []);
});

Deno.test("Agent.metrics() charges no plugin for a gauge whose source is released already", async () => {
  const releasing = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const lines: LogRecord[] = [];
  const closing = plugin("closing", {
    setup(ctx) {
      let isOpen = true;
      ctx.metrics.gauge("depth", { help: "Depth." }).collect(() => {
        if (!isOpen) throw new Error("closed");
        return 7;
      });
      ctx.defer(async () => {
        isOpen = false;
        releasing.resolve();
        await released.promise;
      });
    },
  });
  const agent = createAgent({
    plugins: [closing],
    config: { agent: { listen: { tcp: null, unix: null } } },
    env: {},
    logSink: (record) => void lines.push(record),
  });
  await agent.start();
  assertStringIncludes(await agent.metrics(), "agent_closing_depth 7");

  const stopped = agent.stop();
  await releasing.promise;
  assertEquals((await agent.metrics()).includes("agent_closing_depth 7"), false);
  released.resolve();
  await stopped;

  assertEquals(lines.filter(({ level }) => level === "error"), []);
});

Deno.test("GET /api/v0/status counts the time since the start, and not what the clock was set by", async () => {
  await using agent = await createTestAgent({ plugins: [] });

  agent.clock.jump(-3_600_000);
  await agent.clock.advance(5000);

  const { started_at, uptime_seconds } = await (await agent.get("/api/v0/status")).json();
  assertEquals([started_at, uptime_seconds], ["2026-01-01T00:00:00.000Z", 5]);
});
