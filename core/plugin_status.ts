/**
 * What people are told about a plugin.
 *
 * @module
 */
import { mountSegments, tokenOf } from "./definition.ts";
import { isServing, type State } from "./lifecycle.ts";
import type { PluginPermissions, Stability } from "./plugin.ts";
import type { PluginRun } from "./plugin_run.ts";

/** One plugin of an agent, as `outpost plugins` and `GET /api/v0/info` show it. */
export interface PluginStatus {
  readonly id: string;
  readonly version: string;
  readonly summary: string;
  readonly stability: Stability;
  readonly state: State;
  /** Why it is in this state, where that needs a reason. */
  readonly reason?: string;
  /** Route prefixes. */
  readonly mounts: readonly string[];
  /** Routes it registered, as `METHOD /path`. Empty while it does not run. */
  readonly routes: readonly string[];
  /** Ids of services it provides. */
  readonly provides: readonly string[];
  /** What it needs from whom. */
  readonly needs: readonly NeedStatus[];
  readonly permissions: PluginPermissions;
  /** Time its set-up took, in milliseconds. */
  readonly setupMs?: number;
  /** Time its start hooks took, in milliseconds. */
  readonly startMs?: number;
}
/** One need of a plugin. */
export interface NeedStatus {
  readonly service: string;
  readonly optional: boolean;
  /** Id of the plugin that provides it; absent when none does. */
  readonly provider?: string;
}

/** Describes one plugin as it is now. */
export function describeRun(run: PluginRun): PluginStatus {
  const { definition, planned, lifecycle, timings } = run;
  return {
    id: definition.id,
    version: definition.version,
    summary: definition.summary,
    stability: definition.stability,
    state: lifecycle.state,
    ...(lifecycle.reason === undefined ? {} : { reason: lifecycle.reason }),
    mounts: mountSegments(definition).map((segment) => `/api/v0/${segment}`),
    routes: routesOf(run),
    provides: (definition.provides ?? []).map((token) => token.id),
    needs: Object.values(definition.needs ?? {}).map((need) => {
      const service = tokenOf(need).id;
      const provider = planned.dependencies.find((dependency) => dependency.service === service)?.plugin;
      return { service, optional: need.kind === "optional", ...(provider === undefined ? {} : { provider }) };
    }),
    permissions: definition.permissions ?? {},
    ...timings,
  };
}

function routesOf(run: PluginRun): readonly string[] {
  if (!isServing(run.state)) return [];
  const routes = run.life?.routes.app.routes ?? [];
  return [...new Set(routes.map(({ method, path }) => `${method} ${path}`))];
}
