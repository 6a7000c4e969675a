/**
 * What every plugin has to do, registered as tests in one line.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { readDefinition } from "../definition.ts";
import type { Plugin } from "../plugin.ts";
import type { ConformanceOptions } from "./conformance_options.ts";
import { attachedRoad, pathOf, roadsOf, testPermissions } from "./conformance_roads.ts";
import { type Registrations, registrations, started, suiteOf } from "./conformance_suite.ts";
import { fieldsWithoutDescription, refusesUnknownKeys } from "./schema_rules.ts";

export type { ConformanceOptions } from "./conformance_options.ts";

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
  const roads = roadsOf(plugin, definition, options);

  function test(
    behaviour: string,
    fn: () => Promise<void> | void,
    allowed: Deno.PermissionOptions = permissions,
  ): void {
    Deno.test({ name: `conformance of ${plugin.id}: ${behaviour}`, permissions: allowed, fn });
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

  test("it says what it supports without touching anything", () => {
    for (const os of ["linux", "darwin", "windows"] as const) {
      for (const arch of ["x86_64", "aarch64"] as const) {
        const verdict = definition?.supported?.({ os, arch, agentVersion: "0.0.0", denoVersion: "2.9.0" }) ?? true;
        assert(verdict === true || verdict.reason !== "", "a refusal needs a reason");
      }
    }
  });

  for (const road of roads) {
    const where = road.name === "in memory" ? "" : `${road.name}, `;
    for (const { behaviour, test: fn } of suiteOf(plugin.id, definition, road, options)) {
      test(`${where}${behaviour}`, fn, road.permissions);
    }
  }
  const { file } = options;
  if (file === undefined) return;

  test("it registers the same on every road", async () => {
    const found: Record<string, Registrations> = {};
    for (const road of roads) {
      await using agent = await started(road.options());
      found[road.name] = await registrations(agent, plugin.id);
    }
    for (const road of roads) assertEquals(found[road.name], found["in memory"], road.name);
  }, "inherit");

  const required = Object.values(definition?.needs ?? {}).filter(({ kind }) => kind !== "optional");
  if (required.length === 0) return;
  test("the attached road is closed to it, with the reason", async () => {
    const road = attachedRoad(plugin, definition, options, pathOf(file));
    await using agent = await started(road.options({ ignoreErrors: true }));
    assertStringIncludes(agent.status(plugin.id).reason ?? "", "services do not reach an attached plugin");
  }, "inherit");
}
