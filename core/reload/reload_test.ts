/** The agent goes from one configuration to another, and back when the other does not work. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { z } from "zod";

import { ConfigError } from "../errors.ts";
import { definePlugin, defineService, optional, type Plugin, type PluginDefinition } from "../plugin.ts";
import { createTestAgent, type TestAgent } from "../testing/test_agent.ts";
import { type ReloadAction, ReloadError, type ReloadReport } from "./reload_report.ts";

interface Greeting {
  readonly greeting: string;
}
const greetingConfig: z.ZodType<Greeting> = z.strictObject({
  greeting: z.string().default("hello").describe("What it says."),
});
const Greeter = defineService<{ greet(): string }>("greeter/greeter");

type Parts = Partial<PluginDefinition<Greeting, Record<never, never>>>;

/** Says its greeting, at `/` and as a service, and notes what happens to it. */
function greeter(happened: string[], more: Parts = {}): Plugin {
  return definePlugin({
    ...{ id: "greeter", version: "1.0.0", api: 1, summary: "Greets.", stability: "stable" },
    config: greetingConfig,
    provides: [Greeter],
    setup(ctx) {
      happened.push(`greeter begins with ${ctx.config.greeting}`);
      if (ctx.config.greeting === "broken") throw new Error("cannot greet");
      ctx.provide(Greeter, { greet: () => ctx.config.greeting });
      ctx.routes.app.get("/", (c) => c.text(ctx.config.greeting));
      ctx.defer(() => void happened.push("greeter ends"));
    },
    ...more,
  });
}

/** Reconfigures in place; refuses the word `rude`. */
const inPlace: Parts = {
  reconfigure(_ctx, next) {
    if (next.greeting === "rude") throw new Error("will not say that");
    return next.greeting === "bow" ? "restart" : undefined;
  },
};

function user(happened: string[]): Plugin {
  return definePlugin({
    ...{ id: "user", version: "1.0.0", api: 1, summary: "Uses the greeter.", stability: "stable" },
    needs: { greeter: Greeter },
    setup(ctx) {
      happened.push(`user begins with ${ctx.services.greeter.greet()}`);
      ctx.routes.app.get("/", (c) => c.text(ctx.services.greeter.greet()));
      ctx.defer(() => void happened.push("user ends"));
    },
  });
}

const easy = definePlugin({
  ...{ id: "easy", version: "1.0.0", api: 1, summary: "Uses the greeter if it is there.", stability: "stable" },
  needs: { greeter: optional(Greeter) },
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.text(ctx.services.greeter?.greet() ?? "nobody"));
  },
});

const bystander = definePlugin({
  ...{ id: "bystander", version: "1.0.0", api: 1, summary: "Stands by.", stability: "stable" },
  setup(ctx) {
    let calls = 0;
    const gate = Promise.withResolvers<void>();
    ctx.routes.app.get("/", (c) => c.text(String(++calls)));
    ctx.routes.app.get("/slow", async (c) => {
      await gate.promise;
      return c.text("done");
    });
    ctx.routes.app.post("/open", (c) => {
      gate.resolve();
      return c.text("opened");
    });
  },
});

function actions(report: ReloadReport): Record<string, ReloadAction> {
  return Object.fromEntries(report.plugins.map(({ id, action }) => [id, action]));
}
async function say(agent: TestAgent, plugin: string): Promise<string> {
  return await (await agent.get(`/api/v0/${plugin}`)).text();
}

Deno.test("Agent.reload() touches nothing when nothing is written differently", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened), bystander] });

  const report = await agent.reload({});

  assertEquals(actions(report), { greeter: "untouched", bystander: "untouched" });
  assertEquals(report.agent, []);
  assertEquals(happened, ["greeter begins with hello"]);
});

Deno.test("Agent.reload() gives a changed plugin and those who use it a new life, and leaves the others alone", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened), user(happened), bystander] });
  assertEquals(await say(agent, "bystander"), "1");
  const slow = agent.get("/api/v0/bystander/slow");

  const report = await agent.reload({ config: { greeter: { greeting: "good day" } } });

  assertEquals(actions(report), { greeter: "restarted", user: "restarted", bystander: "untouched" });
  assertStringIncludes(report.plugins[1]!.because!, 'it uses plugin "greeter"');
  assertEquals(happened, [
    ...["greeter begins with hello", "user begins with hello"],
    ...["user ends", "greeter ends"],
    ...["greeter begins with good day", "user begins with good day"],
  ]);
  assertEquals(await say(agent, "user"), "good day");
  assertEquals(await say(agent, "bystander"), "2", "it kept its state");
  await (await agent.post("/api/v0/bystander/open")).body?.cancel();
  assertEquals(await (await slow).text(), "done", "a request that was under way was not cut");
});

Deno.test("Agent.reload() takes writing out a default for no change", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened)] });

  const report = await agent.reload({ config: { greeter: { greeting: "hello" } } });

  assertEquals(actions(report), { greeter: "untouched" });
  assertEquals(happened.length, 1);
});

Deno.test("Agent.reload() lets a plugin that can take its settings in place, and those who use it go on", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened, inPlace), user(happened)] });

  const report = await agent.reload({ config: { greeter: { greeting: "good day" } } });

  assertEquals(actions(report), { greeter: "reconfigured", user: "untouched" });
  assertEquals(happened, ["greeter begins with hello", "user begins with hello"]);
  assertEquals(await say(agent, "greeter"), "good day", "ctx.config shows the new settings");
});

Deno.test("Agent.reload() keeps the old settings when a plugin refuses the new ones in place, also those of others", async () => {
  const happened: string[] = [];
  const other = greeter(happened, { ...inPlace, id: "other", provides: [], setup: (ctx) => answer(ctx) });
  function answer(ctx: Parameters<NonNullable<Parts["setup"]>>[0]): void {
    ctx.routes.app.get("/", (c) => c.text(ctx.config.greeting));
  }
  await using agent = await createTestAgent({ plugins: [other, greeter(happened, inPlace)] });

  const error = await assertRejects(
    () => agent.reload({ config: { other: { greeting: "new" }, greeter: { greeting: "rude" } } }),
    ReloadError,
  );

  assertEquals(error.code, "reload_failed");
  assertStringIncludes(error.problems[0]!.message, "will not say that");
  assertEquals([await say(agent, "other"), await say(agent, "greeter")], ["hello", "hello"]);
  assertEquals(agent.state("greeter"), "running");
  assertEquals(agent.errors().length, 2, "the refusal, and the reload that failed");
});

Deno.test("Agent.reload() gives a plugin a new life that cannot make the change in place, with those who use it", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened, inPlace), user(happened)] });

  const report = await agent.reload({ config: { greeter: { greeting: "bow" } } });

  assertEquals(actions(report), { greeter: "restarted", user: "restarted" });
  assertEquals(await say(agent, "user"), "bow");
});

Deno.test("Agent.reload() does not wait for ever for a plugin that hangs in reconfigure, and says its settings are uncertain", async () => {
  const happened: string[] = [];
  const late = Promise.withResolvers<void>();
  await using agent = await createTestAgent({
    plugins: [greeter(happened, { reconfigure: () => late.promise })],
    ignoreErrors: true,
  });

  const reloading = assertRejects(() => agent.reload({ config: { greeter: { greeting: "new" } } }), ReloadError);
  await agent.clock.advance(10_000);
  const error = await reloading;

  assertStringIncludes(error.problems[0]!.message, 'Cannot finish reconfigure of plugin "greeter"');
  assertEquals(agent.state("greeter"), "degraded");
  assertEquals(await say(agent, "greeter"), "hello");
  late.resolve();
});

Deno.test("Agent.reload() sets the old configuration up again when the new one does not come up", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened), user(happened), bystander] });

  const error = await assertRejects(() => agent.reload({ config: { greeter: { greeting: "broken" } } }), ReloadError);

  assertEquals(error.code, "reload_failed");
  assertEquals(error.problems.map(({ path }) => path), ["plugins.greeter", "plugins.user"]);
  assertStringIncludes(error.problems[0]!.message, "cannot greet");
  assertEquals(await say(agent, "user"), "hello");
  assertEquals(agent.state("greeter"), "running");
  assert(agent.errors().length > 0);
  const report = await agent.reload({ config: { greeter: { greeting: "mended" } } });
  assertEquals(actions(report), { greeter: "restarted", user: "restarted", bystander: "untouched" });
  assertEquals(await say(agent, "user"), "mended");
});

Deno.test("Agent.reload() checks everything first and names every problem", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened)] });

  const error = await assertRejects(
    () => agent.reload({ config: { greeter: { greeting: 1 } }, entries: { greter: true } }),
    ConfigError,
  );

  assertEquals(error.problems.map(({ path }) => path).sort(), ["plugins.greeter.config.greeting", "plugins.greter"]);
  assertEquals(happened, ["greeter begins with hello"]);
  assertEquals(agent.errors().length, 1);
});

Deno.test("Agent.reload() switches plugins off and on, with those who can and those who cannot be without them", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened), user(happened), easy] });

  const off = await agent.reload({ entries: { greeter: false } });

  assertEquals(actions(off), { greeter: "stopped", user: "stopped", easy: "restarted" });
  assertEquals([agent.state("greeter"), agent.state("user")], ["disabled", "skipped"]);
  assertEquals((await agent.get("/api/v0/greeter")).status, 404);
  assertEquals(await say(agent, "easy"), "nobody");

  const on = await agent.reload({});

  assertEquals(actions(on), { greeter: "started", user: "started", easy: "restarted" });
  assertEquals(await say(agent, "easy"), "hello");
  assertEquals(await say(agent, "user"), "hello");
});

Deno.test("Agent.reload() answers requests to a plugin in between with 503 and Retry-After", async () => {
  const happened: string[] = [];
  const gate = Promise.withResolvers<void>();
  const inside = Promise.withResolvers<void>();
  const slow = greeter(happened, {
    provides: [],
    async setup(ctx) {
      ctx.routes.app.get("/", (c) => c.text(ctx.config.greeting));
      if (ctx.config.greeting === "hello") return;
      inside.resolve();
      await gate.promise;
    },
  });
  await using agent = await createTestAgent({ plugins: [slow] });

  const reloading = agent.reload({ config: { greeter: { greeting: "new" } } });
  await inside.promise;
  const between = await agent.get("/api/v0/greeter");
  gate.resolve();
  await reloading;

  assertEquals([between.status, between.headers.get("retry-after")], [503, "1"]);
  assertEquals((await between.json()).code, "plugin_starting");
  assertEquals(await say(agent, "greeter"), "new");
});

Deno.test("Agent.reload() is refused when it would end processes, says which, and ends them when forced", async () => {
  const happened: string[] = [];
  const keeper = greeter(happened, {
    provides: [],
    permissions: { run: true },
    async setup(ctx) {
      const child = await ctx.exec.spawn({ command: ["sleep", "600"] });
      await child.output.cancel();
    },
  });
  await using agent = await createTestAgent({ plugins: [keeper], time: "real" });

  const error = await assertRejects(() => agent.reload({ config: { greeter: { greeting: "new" } } }), ReloadError);

  assertEquals(error.code, "reload_refused");
  assertStringIncludes(error.problems[0]!.message, "sleep (process ");
  assertEquals(agent.errors().length, 1);
  const report = await agent.reload({ config: { greeter: { greeting: "new" } } }, { force: true });
  assertStringIncludes(report.plugins[0]!.ended![0]!, "sleep (process ");
});

Deno.test("Agent.reload() names what an old life did not end in time, and begins the new one", async () => {
  const hanging = greeter([], {
    setup(ctx) {
      ctx.provide(Greeter, { greet: () => ctx.config.greeting });
      if (ctx.config.greeting !== "hello") return;
      ctx.hooks.onDrain(() => new Promise(() => {}));
      ctx.tasks.run("endless", () => new Promise(() => {}));
    },
  });
  await using agent = await createTestAgent({ plugins: [hanging, user([])], ignoreErrors: true });
  const [drain, stop] = ['drain of plugin "greeter"', 'stop of plugin "greeter"'];
  let isOver = false;

  const reloading = agent.reload({ config: { greeter: { greeting: "good day" } } }).finally(() => isOver = true);
  while (!isOver) await agent.clock.advance(1000);
  const report = await reloading;

  assertEquals(report.plugins.map(({ id, action, unfinished }) => [id, action, unfinished]), [
    ["greeter", "restarted", [drain, stop, 'task "endless"']],
    ["user", "restarted", undefined],
  ]);
  assertEquals(await say(agent, "user"), "good day");
});

Deno.test("Agent.reload() names the agent's settings that wait for the next start, every time, and applies the others", async () => {
  await using agent = await createTestAgent({ plugins: [bystander] });
  const changed = { agent: { http: { maxBodyBytes: 10 }, log: { level: "error" }, deadlines: { stopMs: 100 } } };

  const report = await agent.reload(changed);
  const again = await agent.reload(changed);

  assertEquals(report.agent, [
    { path: "agent.deadlines.stopMs", inForce: true },
    { path: "agent.http.maxBodyBytes", inForce: false },
    { path: "agent.log.level", inForce: true },
  ]);
  assertEquals(again.agent, [{ path: "agent.http.maxBodyBytes", inForce: false }]);
  const lines = agent.logs().length;
  await (await agent.get("/api/v0/bystander")).body?.cancel();
  assertEquals(agent.logs().length, lines, "nothing below error is logged any more");
});

Deno.test("Agent.reload() changes what a failure means without touching the plugin", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({ plugins: [greeter(happened)], ignoreErrors: true });

  const report = await agent.reload({ entries: { greeter: { required: true } } });
  await agent.crash("greeter");

  assertEquals(actions(report), { greeter: "policy" });
  assertEquals((await agent.agent.finished).reason, "a required plugin failed");
});

Deno.test("Agent.stop() in the midst of a reload ends both, and nothing is left", async () => {
  const happened: string[] = [];
  const inside = Promise.withResolvers<void>();
  const hanging = greeter(happened, {
    provides: [],
    setup(ctx) {
      if (ctx.config.greeting === "hello") return;
      inside.resolve();
      return new Promise((resolve) => ctx.signal.addEventListener("abort", () => resolve(), { once: true }));
    },
  });
  await using agent = await createTestAgent({ plugins: [hanging, bystander], ignoreErrors: true });

  const reloading = agent.reload({ config: { greeter: { greeting: "new" } } });
  reloading.catch(() => {}); // Being stopped half way is what this test is about.
  await inside.promise;
  const report = await agent.stop();

  assertEquals(report.unfinished, []);
  await assertRejects(() => reloading);
  assertEquals(agent.state("bystander"), "stopped");
});

Deno.test("Agent.reload() lets the failure of another plugin wait for its turn", async () => {
  const happened: string[] = [];
  const inside = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const slow = greeter(happened, {
    id: "slow",
    provides: [],
    async setup(ctx) {
      if (ctx.config.greeting === "hello") return;
      inside.resolve();
      await gate.promise;
    },
  });
  await using agent = await createTestAgent({
    plugins: [greeter(happened), user(happened), slow],
    ignoreErrors: true,
  });

  const reloading = agent.reload({ config: { slow: { greeting: "new" } } });
  await inside.promise;
  const crashed = agent.crash("greeter");
  gate.resolve();
  assertEquals(actions(await reloading), { greeter: "untouched", user: "untouched", slow: "restarted" });
  await crashed;

  assertEquals([agent.state("greeter"), agent.state("user"), agent.state("slow")], ["failed", "stopped", "running"]);
});

Deno.test("Agent.reload() brings a failed plugin up with new settings, and those that waited for it", async () => {
  const happened: string[] = [];
  await using agent = await createTestAgent({
    plugins: [greeter(happened), user(happened)],
    config: { greeter: { greeting: "broken" } },
    ignoreErrors: true,
  });
  assertEquals([agent.state("greeter"), agent.state("user")], ["failed", "skipped"]);

  const report = await agent.reload({ config: { greeter: { greeting: "mended" } } });

  assertEquals(actions(report), { greeter: "started", user: "started" });
  assertEquals(await say(agent, "user"), "mended");
});
