/**
 * What is known about each plugin from four sides: this version, this binary, the configuration, the running agent.
 *
 * @module
 */
import type { PlannedPlugin } from "../plan.ts";
import { tokenOf } from "../definition.ts";

/** A plugin as a running agent reports it. */
export interface ReportedPlugin {
  readonly id: string;
  readonly version?: string;
  readonly stability?: string;
  readonly state: string;
  readonly reason?: string;
  readonly setup_ms?: number;
  readonly start_ms?: number;
}
/** One line of `outpost plugins`. */
export interface PluginOverview {
  readonly id: string;
  /** Part of this version, whether this binary contains it or not. */
  readonly listed: boolean;
  readonly built_in: boolean;
  readonly version?: string;
  readonly stability?: string;
  readonly summary?: string;
  /** The running agent's word, or what a start would do. */
  readonly state: string;
  readonly reason?: string;
  /** Time its set-up took, in milliseconds. */
  readonly setup_ms?: number;
  /** Time its start hooks took, in milliseconds. */
  readonly start_ms?: number;
  readonly permissions?: unknown;
  readonly needs: readonly OverviewNeed[];
  /** Plugins that use a service of this one. */
  readonly needed_by: readonly string[];
}
/** One need of a plugin. */
export interface OverviewNeed {
  readonly service: string;
  readonly optional: boolean;
  /** Absent when no plugin provides it. */
  readonly provider?: string;
}
/** What {@linkcode pluginOverview} puts together. */
export interface OverviewSources {
  /** Ids of the plugins of this version. */
  readonly listed: readonly string[];
  /** Ids of the plugins in this binary. */
  readonly builtIn: readonly string[];
  readonly plan: readonly PlannedPlugin[];
  /** Absent when no agent runs. */
  readonly reported?: readonly ReportedPlugin[];
}

/**
 * Every plugin that one of the sides knows: in the order of the plan, then those that only the running agent has, because it was started
 * with another configuration, then those that are not in this binary.
 */
export function pluginOverview({ listed, builtIn, plan, reported }: OverviewSources): readonly PluginOverview[] {
  const planned = plan.map(({ definition, verdict, reason, dependencies }): PluginOverview => {
    const { id, version, stability, summary, permissions } = definition;
    const now = reported?.find((plugin) => plugin.id === id);
    return {
      ...{ id, version, stability, summary, permissions: permissions ?? {} },
      listed: listed.includes(id),
      built_in: builtIn.includes(id),
      state: now?.state ?? stateWithoutAgent(verdict, reported !== undefined),
      reason: now === undefined ? reason : now.reason,
      setup_ms: now?.setup_ms,
      start_ms: now?.start_ms,
      needs: Object.values(definition.needs ?? {}).map((need): OverviewNeed => {
        const service = tokenOf(need).id;
        const provider = dependencies.find((dependency) => dependency.service === service)?.plugin;
        return { service, optional: need.kind === "optional", provider };
      }),
      needed_by: plan.filter((other) => other.dependencies.some(({ plugin }) => plugin === id))
        .map((other) => other.definition.id),
    };
  });
  const isPlanned = (id: string) => plan.some(({ definition }) => definition.id === id);
  const running = (reported ?? []).filter(({ id }) => !isPlanned(id));
  const missing = listed.filter((id) => !isPlanned(id) && !running.some((plugin) => plugin.id === id));
  return [
    ...planned,
    ...running.map(({ id, version, stability, state, reason, setup_ms, start_ms }) => ({
      ...{ id, version, stability, state, reason, setup_ms, start_ms },
      ...{ listed: listed.includes(id), built_in: false, needs: [], needed_by: [] },
    })),
    ...missing.map(absent),
  ];
}

function stateWithoutAgent(verdict: PlannedPlugin["verdict"], hasAgent: boolean): string {
  if (verdict !== "run") return verdict;
  return hasAgent ? "not in the running agent" : "would run";
}

function absent(id: string): PluginOverview {
  return {
    ...{ id, listed: true, built_in: false, state: "absent", reason: "not built into this binary" },
    ...{ needs: [], needed_by: [] },
  };
}

/** Why one plugin is in its state, for people. */
export function explainPlugin(plugin: PluginOverview, all: readonly PluginOverview[]): string {
  const lines = [`${plugin.id} ${plugin.version ?? ""}`.trimEnd() + `: ${plugin.state}`];
  if (plugin.summary !== undefined) lines.push(plugin.summary);
  if (plugin.reason !== undefined) lines.push(`Reason: ${plugin.reason}`);
  for (const { service, optional, provider } of plugin.needs) {
    const state = all.find((other) => other.id === provider)?.state;
    const from = provider === undefined ? "provided by nobody" : `from ${provider}, ${state}`;
    lines.push(`Needs ${service}${optional ? " (optional)" : ""}: ${from}`);
  }
  if (plugin.needed_by.length > 0) lines.push(`Needed by: ${plugin.needed_by.join(", ")}`);
  return `${lines.join("\n")}\n`;
}
