/**
 * The roads on which a plugin comes into an agent, for the suite that every plugin passes on each of them.
 *
 * @module
 */
import { fromFileUrl, isAbsolute } from "@std/path";

import { DENO_VARIABLES } from "../attached/deno_program.ts";
import type { AnyDefinition } from "../definition.ts";
import type { Plugin, PluginPermissions } from "../plugin.ts";
import type { ConformanceOptions } from "./conformance_options.ts";
import type { TestAgentOptions } from "./test_agent.ts";

/** One way into an agent. */
export interface Road {
  readonly name: "in memory" | "imported" | "attached";
  /** What the test may do while the plugin runs inside it. */
  readonly permissions: Deno.PermissionOptions;
  /** An agent with the plugin, and what else a test needs. */
  options(extra?: Partial<TestAgentOptions>): TestAgentOptions;
}

/** The roads that are open: all of them when the plugin's file is known, and the attached one for those without required needs. */
export function roadsOf(plugin: Plugin, definition: AnyDefinition | undefined, options: ConformanceOptions): Road[] {
  const roads = [inMemory(plugin, definition, options)];
  if (options.file === undefined) return roads;
  const file = pathOf(options.file);
  roads.push(imported(plugin, definition, options, file));
  const needs = Object.values(definition?.needs ?? {});
  if (needs.every(({ kind }) => kind === "optional")) roads.push(attachedRoad(plugin, definition, options, file));
  return roads;
}

/** The path of a file that is named by its path or its URL. */
export function pathOf(file: string): string {
  return isAbsolute(file) ? file : fromFileUrl(file);
}

function inMemory(plugin: Plugin, definition: AnyDefinition | undefined, options: ConformanceOptions): Road {
  return {
    name: "in memory",
    permissions: testPermissions(definition?.permissions),
    options: ({ plugins = [], ...extra } = {}) => ({
      plugins: [plugin, ...plugins],
      config: options.config === undefined ? {} : { [plugin.id]: options.config },
      services: options.services,
      time: options.time,
      ...extra,
    }),
  };
}

function imported(
  { id }: Plugin,
  definition: AnyDefinition | undefined,
  { config, services, time }: ConformanceOptions,
  file: string,
): Road {
  const permissions = definition?.permissions ?? {};
  return {
    name: "imported",
    permissions: {
      ...testPermissions({
        ...permissions,
        read: permissions.read === true ? true : [...permissions.read ?? [], file],
      }),
      import: true,
    },
    options: ({ plugins = [], ...extra } = {}) => ({
      ...{ plugins, services, time },
      entries: { [id]: { from: file, ...(config === undefined ? {} : { config }) } },
      ...extra,
    }),
  };
}

/** The test itself may do everything: the walls are around the program. */
export function attachedRoad(
  { id }: Plugin,
  definition: AnyDefinition | undefined,
  { config }: ConformanceOptions,
  file: string,
): Road {
  const names = ["PATH", ...DENO_VARIABLES];
  const env = Object.fromEntries(names.map((name) => [name, Deno.env.get(name)]).filter(([, value]) => value));
  const { mount } = definition ?? {};
  return {
    name: "attached",
    permissions: "inherit",
    options: ({ plugins = [], ...extra } = {}) => ({
      ...{ plugins, env, time: "real" },
      // Time to load packages on a busy machine.
      agent: { deadlines: { setupMs: 60_000, startMs: 60_000 } },
      entries: {
        [id]: {
          ...{ from: file, attached: true },
          ...(mount === undefined ? {} : { mount }),
          ...(config === undefined ? {} : { config }),
        },
      },
      ...extra,
    }),
  };
}

/** What the plugin declares, and nothing else; everything for a definition that could not be read. */
export function testPermissions(declared: PluginPermissions = {}): Deno.PermissionOptionsObject {
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
