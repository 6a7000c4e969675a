/** One plugin misbehaves at each edge of its life, in each way; two others must not notice. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { type Agent, createAgent } from "./agent.ts";
import { ScopeClosedError } from "./errors.ts";
import type { State } from "./lifecycle.ts";
import { LogBuffer } from "./log.ts";
import { definePlugin, defineService, type Plugin, type PluginContext } from "./plugin.ts";
import { createTestAgent } from "./testing/test_agent.ts";
import { VirtualClock } from "./testing/virtual_clock.ts";

type Ctx = PluginContext<unknown, Record<never, never>>;
type Fault =
  | "throws"
  | "rejects"
  | "hangs"
  | "registers too late"
  | "leaves a floating rejection"
  | "floods the log"
  | "ends late"
  | "leaks a timer";

const Bait = defineService<{ ping(): string }>("bad/bait");

const PHASES = ["setup", "start", "ready", "drain", "shutdown", "defer", "task", "environment", "collect"] as const;
type Phase = typeof PHASES[number];

/** State of the faulty plugin while the agent runs. */
function expectedWhileRunning(phase: Phase, fault: Fault): State {
  if (isHarmless(fault)) return "running";
  if (fault === "leaves a floating rejection") {
    return ["drain", "shutdown", "defer"].includes(phase) ? "running" : "degraded";
  }
  if (phase === "setup" || phase === "start") return "failed";
  return phase === "task" && !isStuck(fault) ? "degraded" : "running";
}

/** State of the faulty plugin after the agent stopped. */
function expectedAfterStop(phase: Phase, fault: Fault): State {
  if (isHarmless(fault) || fault === "leaves a floating rejection") return "stopped";
  if (["setup", "start", "shutdown", "defer"].includes(phase)) return "failed";
  return phase === "task" && isStuck(fault) ? "failed" : "stopped";
}

/** Whether the code never ends by itself, so that it has to be named in the exit report. */
function isStuck(fault: Fault): boolean {
  return fault === "hangs" || fault === "registers too late";
}

/** Bad manners that cost nobody anything: the plugin goes on, and so does everybody else. */
function isHarmless(fault: Fault): boolean {
  return fault === "floods the log" || fault === "ends late" || fault === "leaks a timer";
}

const FAULTS: readonly Fault[] = [
  ...["throws", "rejects", "hangs", "registers too late", "leaves a floating rejection"] as const,
  ...["floods the log", "ends late", "leaks a timer"] as const,
];
/** Lines of a flood. */
const FLOOD = 3000;
/** Later than anybody expects, and before any deadline; a contributor of the environment has 2 seconds. In milliseconds. */
const LATE_MS = 1500;

for (const phase of PHASES) {
  for (const fault of FAULTS) {
    Deno.test(`Agent keeps two plugins working while a third ${fault} in ${phase}`, () => checkFault(phase, fault));
  }
}

async function checkFault(phase: Phase, fault: Fault): Promise<void> {
  const clock = new VirtualClock();
  const log = new LogBuffer(10_000);
  const late = Promise.withResolvers<void>();
  const lateOutcome = Promise.withResolvers<unknown>();
  const agent = createAgent({
    plugins: [badPlugin(phase, misbehave(fault, late.promise, lateOutcome.resolve)), needing, good],
    config: { agent: { listen: { tcp: null, unix: null }, log: { level: "debug" } } },
    env: {},
    clock,
    logSink: log.sink,
  });

  await patiently(clock, agent.start());
  await patiently(clock, agent.fetch(new Request("http://localhost/api/v0/good/environment")));
  await patiently(clock, agent.metrics());

  assertEquals(stateOf(agent, "bad"), expectedWhileRunning(phase, fault), describe(agent));
  assertEquals(stateOf(agent, "good"), "running", describe(agent));
  assertEquals(await answerOf(agent, "good"), 200);
  const holds = isServing(stateOf(agent, "bad"));
  assertEquals(stateOf(agent, "needing"), holds ? "running" : "skipped", describe(agent));
  if (!holds) assertStringIncludes(reasonOf(agent, "needing"), 'needs "bad/bait" of plugin "bad", which is failed');
  assertEquals(await answerOf(agent, "needing"), holds ? 200 : 503);

  const report = await patiently(clock, agent.stop("test"));

  assertEquals(stateOf(agent, "good"), "stopped", describe(agent));
  assertEquals(stateOf(agent, "bad"), expectedAfterStop(phase, fault), describe(agent));
  assertEquals(report.unfinished.filter(({ plugin }) => plugin !== "bad"), []);
  const isNamed = report.unfinished.some(({ plugin }) => plugin === "bad");
  const leavesTheDriverWaiting = phase !== "environment" && phase !== "collect";
  assertEquals(isNamed, isStuck(fault) && leavesTheDriverWaiting, JSON.stringify(report));
  const isBlamed = log.records.some(({ rawMessage, level }) =>
    /plugin error|left out/.test(String(rawMessage)) && level !== "info"
  );
  assertEquals(isBlamed, !isHarmless(fault));
  if (fault === "floods the log") {
    assert(log.records.filter(({ rawMessage }) => rawMessage === "flood").length >= FLOOD);
    assert(log.records.some(({ category }) => category.at(-1) === "core"), "the others' lines are there");
  }

  late.resolve();
  if (fault === "registers too late") assert(await lateOutcome.promise instanceof ScopeClosedError);
}

type Misbehaviour = (ctx: Ctx) => unknown;

function misbehave(fault: Fault, late: Promise<void>, tried: (outcome: unknown) => void): Misbehaviour {
  switch (fault) {
    case "throws":
      return () => {
        throw new Error("thrown on purpose");
      };
    case "rejects":
      return () => Promise.reject(new Error("rejected on purpose"));
    case "hangs":
      return () => late;
    case "registers too late":
      return (ctx) =>
        late.then(() => {
          try {
            ctx.hooks.onReady(() => {});
            tried("accepted");
          } catch (error) {
            tried(error);
          }
        });
    case "floods the log":
      return (ctx) => {
        for (let line = 0; line < FLOOD; line++) ctx.log.warn("flood", { line });
        return {};
      };
    case "ends late":
      return async (ctx) => {
        await ctx.clock.sleep(LATE_MS);
        return {};
      };
    case "leaks a timer":
      return (ctx) => {
        void ctx.clock.sleep(3_600_000).then(() => {
          throw new Error("nobody is left to hear it");
        });
        return {};
      };
    case "leaves a floating rejection":
      return () => {
        void Promise.reject(new Error("left floating on purpose"));
        return {};
      };
  }
}

function badPlugin(phase: Phase, fault: Misbehaviour): Plugin {
  return definePlugin({
    id: "bad",
    version: "1.0.0",
    api: 1,
    summary: "Misbehaves in one phase.",
    stability: "stable",
    provides: [Bait],
    async setup(ctx) {
      ctx.provide(Bait, { ping: () => "pong" });
      ctx.routes.app.get("/", (c) => c.text("ok"));
      const run = () => fault(ctx) as Promise<void>;
      if (phase === "setup") await run();
      if (phase === "start") ctx.hooks.onStart(run);
      if (phase === "ready") ctx.hooks.onReady(run);
      if (phase === "drain") ctx.hooks.onDrain(run);
      if (phase === "shutdown") ctx.hooks.onShutdown(run);
      if (phase === "defer") ctx.defer(run);
      if (phase === "task") ctx.tasks.run("bad task", run);
      if (phase === "environment") ctx.env.contribute("bad", () => fault(ctx) as Promise<Record<string, string>>);
      if (phase === "collect") {
        ctx.metrics.gauge("depth", { help: "Depth of nothing." }).collect(async () => {
          await fault(ctx);
          return 0;
        });
      }
    },
  });
}

const needing = definePlugin({
  id: "needing",
  version: "1.0.0",
  api: 1,
  summary: "Needs the plugin that misbehaves.",
  stability: "stable",
  needs: { bait: Bait },
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.text(ctx.services.bait.ping()));
  },
});

const good = definePlugin({
  id: "good",
  version: "1.0.0",
  api: 1,
  summary: "Works.",
  stability: "stable",
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.text("ok"));
    ctx.routes.app.get("/environment", async (c) => c.json(await ctx.env.build()));
  },
});

/** Moves the clock until `work` has settled. */
async function patiently<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let settled = false;
  work.then(() => settled = true, () => settled = true);
  for (let step = 0; step < 200 && !settled; step++) await clock.advance(500);
  assert(settled, "the agent hangs");
  return await work;
}

async function answerOf(agent: Agent, plugin: string): Promise<number> {
  const response = await agent.fetch(new Request(`http://localhost/api/v0/${plugin}`));
  await response.body?.cancel();
  return response.status;
}
function stateOf(agent: Agent, plugin: string): State | undefined {
  return agent.plugins().find(({ id }) => id === plugin)?.state;
}
function reasonOf(agent: Agent, plugin: string): string {
  return agent.plugins().find(({ id }) => id === plugin)?.reason ?? "";
}
function isServing(state: State | undefined): boolean {
  return state === "running" || state === "degraded";
}
function describe(agent: Agent): string {
  return agent.plugins().map(({ id, state, reason }) => `${id}: ${state} ${reason ?? ""}`).join("; ");
}

Deno.test("Agent.crash() called again while a plugin is being taken down waits for the same end", async () => {
  const released = Promise.withResolvers<void>();
  const slow = definePlugin({
    ...{ id: "slow", version: "1.0.0", api: 1, summary: "Lets go slowly.", stability: "stable" },
    setup: (ctx) => void ctx.defer(() => released.promise),
  });
  await using agent = await createTestAgent({ plugins: [slow] });

  const first = agent.crash("slow", new Error("first"));
  const second = agent.crash("slow", new Error("second"));
  const stopped = agent.stop();
  released.resolve();
  await Promise.all([first, second, stopped]);

  assertEquals([agent.state("slow"), agent.status("slow").reason], ["failed", "first"]);
  agent.errors();
});
