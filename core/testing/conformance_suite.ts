/**
 * What a plugin has to do in an agent, whichever road it came on.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

import { aborted } from "../aborted.ts";
import { systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { type AnyDefinition, mountOf } from "../definition.ts";
import { definePlugin } from "../plugin.ts";
import type { ConformanceOptions } from "./conformance_options.ts";
import type { Road } from "./conformance_roads.ts";
import { createTestAgent, TestAgent } from "./test_agent.ts";

/** One promise of a plugin, and how it is tested. */
export interface Promised {
  readonly behaviour: string;
  readonly test: () => Promise<void>;
}

/** Real time that a start or a stop may take, in milliseconds: that of the lifecycle's own deadlines, with room. */
const START_MS = 120_000;
const STOP_MS = 60_000;
/** Most moments at which a start is cut short. */
const MAX_MOMENTS = { "in memory": 48, imported: 12, attached: 5 } as const;
/** Steps of the microtask queue between two turns of the event loop, at which a start is cut short, too. */
const MICROTASKS = [1, 2, 3, 5, 8, 13, 21];

/** The suite for one road. */
export function suiteOf(
  id: string,
  definition: AnyDefinition | undefined,
  road: Road,
  options: ConformanceOptions,
): Promised[] {
  const { options: agentOptions } = road;

  async function twoLives(): Promise<void> {
    await using agent = await started(agentOptions());
    assertEquals(agent.state(id), "running", agent.status(id).reason);
    const first = await registrations(agent, id);
    assertEquals((await agent.stop()).unfinished, []);

    await agent.restart();

    assertEquals(agent.state(id), "running", agent.status(id).reason);
    assertEquals(await registrations(agent, id), first);
  }

  async function stoppedBeforeStart(): Promise<void> {
    const slow = definePlugin({
      id: "conformance-gate",
      version: "1.0.0",
      api: 1,
      summary: "Keeps the agent in the set-up phase.",
      stability: "stable",
      setup: (ctx) => aborted(ctx.signal),
    });
    const agent = new TestAgent(agentOptions({ plugins: [slow] }));
    const starting = agent.agent.start();
    starting.catch(() => {}); // Being stopped half way is what this test is about.
    await prepared(agent, id);

    const report = await stoppedInTime(agent);
    await agent.abandon();

    assertEquals(agent.state(id), "stopped", agent.status(id).reason);
    assertEquals(report.unfinished.filter((entry) => entry.plugin === id), []);
  }

  async function stoppedAtEachAwait(): Promise<void> {
    const turns = await turnsOfStart(agentOptions);
    const moments = spread(turns, MAX_MOMENTS[road.name]).map((turn) => ({ turn, microtasks: 0 }));
    for (const { turn, microtasks } of [...moments, ...MICROTASKS.map((count) => ({ turn: 0, microtasks: count }))]) {
      const agent = new TestAgent(agentOptions());
      const starting = agent.agent.start();
      starting.catch(() => {}); // Being stopped half way is what this test is about.
      for (let i = 0; i < turn; i++) await nextTurn();
      for (let i = 0; i < microtasks; i++) await Promise.resolve();

      const report = await stoppedInTime(agent);
      await agent.abandon();

      const when = `after ${turn} turns of the event loop and ${microtasks} microtasks`;
      assertEquals(report.unfinished.filter((entry) => entry.plugin === id), [], when);
      assertEquals(agent.clock.sleepers, [], when);
    }
  }

  async function insideDeadlines(): Promise<void> {
    const agent = new TestAgent(agentOptions());
    try {
      await within(START_MS, `the start of plugin "${id}"`, () => agent.agent.start());
      await stoppedInTime(agent);
    } finally {
      await agent.abandon();
    }
    const late = agent.logs().filter(({ fields }) => String(fields.error ?? fields.what ?? "").includes("deadline is"));
    assertEquals(late.map(({ message, fields }) => `${message}: ${fields.error ?? fields.what}`), []);
  }

  async function stoppedTwice(): Promise<void> {
    await using agent = await started(agentOptions());

    const [first, second] = await Promise.all([agent.stop(), agent.stop()]);

    assertEquals(first, second);
  }

  async function describedRoutes(): Promise<void> {
    await using agent = await started(agentOptions());
    const document = await (await agent.get("/api/v0/openapi.json")).json() as DescribedPaths;
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).filter(([, { tags }]) => tags.includes(id))
        .map(([method]) => `${method.toUpperCase()} ${path}`)
    );
    if (described.length === 0) return; // Describing is a choice.
    const registered = agent.status(id).routes.map((route) => route.replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}"))
      .flatMap((route) => route.startsWith("ALL ") ? described.filter((it) => it.endsWith(route.slice(3))) : [route]);
    assertEquals(described.sort(), [...new Set(registered)].sort());
  }

  async function routesUnderMount(): Promise<void> {
    await using agent = await started(agentOptions());
    const prefixes = agent.status(id).mounts;
    const outside = agent.status(id).routes.filter((route) => {
      const path = route.slice(route.indexOf(" ") + 1);
      return !prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
    });
    assertEquals(outside, [], `it mounts ${JSON.stringify(definition && mountOf(definition))}`);
  }

  async function metricsExplained(): Promise<void> {
    await using agent = await started(agentOptions());
    for (const { name, help } of (await registrations(agent, id)).metrics) {
      assert(help.trim().split(" ").length > 2, `${name} needs a help text that says what a rise means: ${help}`);
    }
  }

  async function withAndWithoutOptionalNeeds(): Promise<void> {
    await using without = await started(agentOptions());
    assertEquals(without.state(id), "running", without.status(id).reason);
    if (options.optionalServices === undefined || road.name === "attached") return;
    await using withAll = await started(
      agentOptions({ services: [...options.services ?? [], ...options.optionalServices] }),
    );
    assertEquals(withAll.state(id), "running", withAll.status(id).reason);
  }

  return [
    { behaviour: "it sets up, runs and stops, twice, with the same registrations", test: twoLives },
    { behaviour: "it stops when it was set up and never started", test: stoppedBeforeStart },
    { behaviour: "it can be stopped at each await of its start", test: stoppedAtEachAwait },
    { behaviour: "every step of its life ends inside its deadline", test: insideDeadlines },
    { behaviour: "what it describes of its routes is true, and complete", test: describedRoutes },
    { behaviour: "stopping twice is stopping once", test: stoppedTwice },
    { behaviour: "its routes stay under what it mounts", test: routesUnderMount },
    { behaviour: "its metrics say what they mean", test: metricsExplained },
    { behaviour: "it runs with and without its optional needs", test: withAndWithoutOptionalNeeds },
  ];
}

/** What a plugin registers, the same on every road. */
export interface Registrations {
  readonly routes: readonly string[];
  readonly metrics: readonly { readonly name: string; readonly help: string }[];
}

/** Metrics of the agent itself, which every agent has. */
const CORE_METRIC = /^agent_(build_info|plugin_state|plugin_errors_total|http_request.*)$/;

/** What a running plugin has registered, in an order that does not depend on the road. */
export async function registrations(agent: TestAgent, plugin: string): Promise<Registrations> {
  const lines = [...(await agent.agent.metrics()).matchAll(/^# HELP (\S+) (.*)$/gm)];
  const routes = agent.status(plugin).routes;
  return {
    // Who takes every method of a path takes GET.
    routes: routes.filter((route) => !(route.startsWith("GET ") && routes.includes(`ALL ${route.slice(4)}`))).sort(),
    metrics: lines.map(([, name = "", help = ""]) => ({ name, help })).filter(({ name }) => !CORE_METRIC.test(name))
      .sort((a, b) => a.name.localeCompare(b.name)),
  };
}

/** Starts an agent; a plugin that hangs fails the test with its name instead of holding it up. */
export async function started(options: ConstructorParameters<typeof TestAgent>[0]): Promise<TestAgent> {
  return await within(START_MS, "the start", () => createTestAgent(options));
}

interface DescribedPaths {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly tags: readonly string[] }>>>>;
}

async function stoppedInTime(agent: TestAgent): Promise<Awaited<ReturnType<TestAgent["stop"]>>> {
  return await within(STOP_MS, "the stop", () => agent.stop());
}

/** In real time: where time stands still, a deadline of the lifecycle never passes. */
function within<T>(ms: number, what: string, work: () => Promise<T>): Promise<T> {
  return new Deadline(systemClock, ms).run(what, work);
}

/** Resolves when the plugin is set up. A plugin that fails instead never will be: its reason says more than a test that hangs. */
async function prepared(agent: TestAgent, plugin: string): Promise<void> {
  for (;;) {
    const status = agent.agent.plugins().find(({ id }) => id === plugin);
    if (status?.state === "prepared") return;
    if (status?.state === "failed") {
      await agent.abandon();
      throw new Error(`Plugin "${plugin}" failed in setup: ${status.reason}`);
    }
    await nextTurn();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Turns of the event loop that a start takes. */
async function turnsOfStart(agentOptions: Road["options"]): Promise<number> {
  const agent = new TestAgent(agentOptions());
  let isUp = false;
  const starting = agent.agent.start().finally(() => isUp = true);
  starting.catch(() => {}); // Awaited below.
  let turns = 0;
  for (; !isUp; turns++) await nextTurn();
  await starting.finally(() => agent.abandon());
  return turns;
}

/** Moments from 0 to `last`, all of them when they are not more than `most`. */
function spread(last: number, most: number): readonly number[] {
  if (last < most) return Array.from({ length: last + 1 }, (_, moment) => moment);
  return Array.from({ length: most }, (_, index) => Math.round(index * last / (most - 1)));
}
