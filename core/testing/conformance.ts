/**
 * What every plugin has to do, registered as tests in one line.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

import { mountOf, readDefinition } from "../definition.ts";
import { definePlugin, type Plugin, type PluginPermissions } from "../plugin.ts";
import type { ProvidedService } from "../services.ts";
import { fieldsWithoutDescription, refusesUnknownKeys } from "./schema_rules.ts";
import { createTestAgent, TestAgent, type TestAgentOptions } from "./test_agent.ts";

/** What {@linkcode conformance} needs to know beside the plugin. */
export interface ConformanceOptions {
  /** Settings the plugin runs with. Default: its defaults. */
  readonly config?: unknown;
  /** A service for each required need, usually fakes. */
  readonly services?: readonly ProvidedService[];
  /** Services for optional needs; the plugin is run with and without them. */
  readonly optionalServices?: readonly ProvidedService[];
  /** Time the plugin runs in. Default `"virtual"`. */
  readonly time?: "virtual" | "real";
}

/**
 * Registers the tests that every plugin passes: definition, settings, lives, registrations, needs, all inside the permissions
 * the plugin declares.
 *
 * @example
 * conformance(agentproc, { config: { maxProcesses: 4 } });
 */
export function conformance(plugin: Plugin, options: ConformanceOptions = {}): void {
  const definition = readDefinition(plugin).definition;
  const permissions = testPermissions(definition?.permissions);

  function test(behaviour: string, fn: () => Promise<void> | void): void {
    Deno.test({ name: `conformance of ${plugin.id}: ${behaviour}`, permissions, fn });
  }
  function agentOptions(extra: Partial<TestAgentOptions> = {}): TestAgentOptions {
    return {
      plugins: [plugin],
      config: options.config === undefined ? {} : { [plugin.id]: options.config },
      services: options.services,
      time: options.time,
      ...extra,
    };
  }

  test("the definition is well formed", () => {
    assertEquals(readDefinition(plugin).problems, []);
  });

  test("settings are a strict object in which every field is described", () => {
    if (definition?.config === undefined) return;
    assert(
      refusesUnknownKeys(definition.config, options.config),
      "an unknown key must be an error: use z.strictObject()",
    );
    assertEquals(fieldsWithoutDescription(definition.config), []);
  });

  test("it sets up, runs and stops, twice, with the same registrations", async () => {
    await using agent = await createTestAgent(agentOptions());
    assertEquals(agent.state(plugin.id), "running", agent.status(plugin.id).reason);
    const first = await registrations(agent, plugin.id);
    assertEquals((await agent.stop()).unfinished, []);

    await agent.restart();

    assertEquals(agent.state(plugin.id), "running", agent.status(plugin.id).reason);
    assertEquals(await registrations(agent, plugin.id), first);
  });

  test("it stops when it was set up and never started", async () => {
    const slow = definePlugin({
      id: "conformance-gate",
      version: "1.0.0",
      api: 1,
      summary: "Keeps the agent in the set-up phase.",
      stability: "stable",
      setup: (ctx) => new Promise((resolve) => ctx.signal.addEventListener("abort", () => resolve(), { once: true })),
    });
    const agent = new TestAgent(agentOptions({ plugins: [plugin, slow] }));
    const started = agent.agent.start();
    started.catch(() => {}); // Being stopped half way is what this test is about.
    await agent.untilState(plugin.id, "prepared");

    const report = await agent.stop();
    await agent.abandon();

    assertEquals(agent.state(plugin.id), "stopped", agent.status(plugin.id).reason);
    assertEquals(report.unfinished.filter((entry) => entry.plugin === plugin.id), []);
  });

  test("it can be stopped at any moment of its start", async () => {
    for (const turns of STOP_AFTER_TURNS) {
      const agent = new TestAgent(agentOptions());
      const started = agent.agent.start();
      started.catch(() => {}); // Being stopped half way is what this test is about.
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));

      const report = await agent.stop();
      await agent.abandon();

      assertEquals(report.unfinished.filter((entry) => entry.plugin === plugin.id), [], `after ${turns} turns`);
      assertEquals(agent.clock.sleepers, [], `after ${turns} turns`);
    }
  });

  test("what it describes of its routes is true, and complete", async () => {
    await using agent = await createTestAgent(agentOptions());
    const document = await (await agent.get("/api/v0/openapi.json")).json() as DescribedPaths;
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).filter(([, { tags }]) => tags.includes(plugin.id))
        .map(([method]) => `${method.toUpperCase()} ${path}`)
    );
    if (described.length === 0) return; // Describing is a choice.
    const registered = agent.status(plugin.id).routes.map((route) => route.replace(/:(\w+)/g, "{$1}"))
      .flatMap((route) => route.startsWith("ALL ") ? described.filter((it) => it.endsWith(route.slice(3))) : [route]);
    assertEquals(described.sort(), [...new Set(registered)].sort());
  });

  test("stopping twice is stopping once", async () => {
    await using agent = await createTestAgent(agentOptions());

    const [first, second] = await Promise.all([agent.stop(), agent.stop()]);

    assertEquals(first, second);
  });

  test("its routes stay under what it mounts", async () => {
    await using agent = await createTestAgent(agentOptions());
    const prefixes = agent.status(plugin.id).mounts;
    const outside = agent.status(plugin.id).routes.filter((route) => {
      const path = route.slice(route.indexOf(" ") + 1);
      return !prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
    });
    assertEquals(outside, [], `it mounts ${JSON.stringify(definition && mountOf(definition))}`);
  });

  test("its metrics say what they mean", async () => {
    await using agent = await createTestAgent(agentOptions());
    for (const { name, help } of (await registrations(agent, plugin.id)).metrics) {
      assert(help.trim().split(" ").length > 2, `${name} needs a help text that says what a rise means: ${help}`);
    }
  });

  test("it runs with and without its optional needs", async () => {
    await using without = await createTestAgent(agentOptions());
    assertEquals(without.state(plugin.id), "running", without.status(plugin.id).reason);
    if (options.optionalServices === undefined) return;
    await using withAll = await createTestAgent(
      agentOptions({ services: [...options.services ?? [], ...options.optionalServices] }),
    );
    assertEquals(withAll.state(plugin.id), "running", withAll.status(plugin.id).reason);
  });

  test("it says what it supports without touching anything", () => {
    for (const os of ["linux", "darwin", "windows"] as const) {
      for (const arch of ["x86_64", "aarch64"] as const) {
        const verdict = definition?.supported?.({ os, arch, agentVersion: "0.0.0", denoVersion: "2.9.0" }) ?? true;
        assert(verdict === true || verdict.reason !== "", "a refusal needs a reason");
      }
    }
  });
}

/** Turns of the event loop after which a start is cut short: from before anything ran to after most set-ups. */
const STOP_AFTER_TURNS = [0, 1, 2, 3, 5, 8, 13];

interface DescribedPaths {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly tags: readonly string[] }>>>>;
}

interface Registrations {
  readonly routes: readonly string[];
  readonly metrics: readonly { readonly name: string; readonly help: string }[];
}

/** Metrics of the agent itself, which every agent has. */
const CORE_METRIC = /^agent_(build_info|plugin_state|plugin_errors_total|http_request.*)$/;

async function registrations(agent: TestAgent, plugin: string): Promise<Registrations> {
  const lines = [...(await agent.agent.metrics()).matchAll(/^# HELP (\S+) (.*)$/gm)];
  return {
    routes: agent.status(plugin).routes,
    metrics: lines.map(([, name = "", help = ""]) => ({ name, help })).filter(({ name }) => !CORE_METRIC.test(name)),
  };
}

/** What the plugin declares, and nothing else; everything for a definition that could not be read. */
function testPermissions(declared: PluginPermissions = {}): Deno.PermissionOptions {
  const permission = (kind: keyof PluginPermissions) => {
    const value = declared[kind];
    return value === undefined ? false : value === true ? true : [...value];
  };
  return {
    read: permission("read"),
    write: permission("write"),
    net: permission("net"),
    env: permission("env"),
    run: permission("run"),
    sys: permission("sys") as boolean,
    ffi: permission("ffi"),
  };
}
