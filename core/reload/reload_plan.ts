/**
 * Which plugins a new configuration touches, and how: those it leaves alone, those that take their settings in place, those
 * that need a new life. Pure.
 *
 * @module
 */
import type { LoadedConfig } from "../config/loaded_config.ts";
import type { PluginEntry } from "../config/plugin_entry.ts";
import { isServing, type State } from "../lifecycle.ts";
import type { LoadedPlan } from "../load_plan.ts";
import type { PlannedPlugin } from "../plan.ts";
import { sameValue, writtenEntry } from "./setting_changes.ts";

/** A plugin of the running agent, as far as a reload cares. */
export interface PresentPlugin {
  readonly id: string;
  readonly planned: PlannedPlugin;
  /** Checked settings in force. */
  readonly config: unknown;
  readonly state: State;
}
/** `keep`: not touched; `reconfigure`: settings change in place; `replace`: the present life ends and another may begin. */
export type ReloadTreatment = "keep" | "reconfigure" | "replace";

/** What a reload does with one plugin. */
export interface ReloadStep {
  readonly id: string;
  readonly treatment: ReloadTreatment;
  /** Why it is touched. */
  readonly because?: string;
  /** Whether its own entry is the reason, and not a plugin it uses. */
  readonly ownChange: boolean;
  /** Its place from now on; absent when the configuration does not know it any more. */
  readonly planned?: PlannedPlugin;
}

/** What was in force, and what shall be. */
export interface ReloadInput {
  readonly present: readonly PresentPlugin[];
  readonly before: LoadedConfig;
  readonly next: Pick<LoadedPlan, "plan" | "config" | "settingsOf">;
  /** Plugins that said they cannot take their settings in place. */
  readonly needNewLife?: ReadonlySet<string>;
}

/** Decides what happens to each plugin, in the order of the new plan; plugins that are gone come last. */
export function planReload({ present, before, next, needNewLife }: ReloadInput): readonly ReloadStep[] {
  const byId = new Map(present.map((plugin) => [plugin.id, plugin]));
  const steps = new Map<string, ReloadStep>();
  for (const planned of next.plan.plugins) {
    const { id } = planned.definition;
    const plugin = byId.get(id);
    byId.delete(id);
    const change = plugin === undefined ? replace("it is new", true) : changeOf(plugin, planned, {
      asBefore: sameWritten(before, next.config, id),
      sameCode: sameCode(plugin.planned, planned, [before.entries.get(id), next.config.entries.get(id)]),
      settings: next.settingsOf(id),
    });
    const cannot = change.treatment === "reconfigure" && needNewLife?.has(id);
    steps.set(id, { id, planned, ...change, ...(cannot ? { treatment: "replace" } : {}) });
  }
  for (const id of byId.keys()) steps.set(id, { id, ...replace("the configuration does not name it any more", true) });
  return spread(steps);
}

type Change = Pick<ReloadStep, "treatment" | "because" | "ownChange">;
const KEEP: Change = { treatment: "keep", ownChange: false };

function replace(because: string, ownChange: boolean): Change {
  return { treatment: "replace", because, ownChange };
}

function sameWritten(before: LoadedConfig, after: LoadedConfig, id: string): boolean {
  return sameValue(writtenEntry(before, id), writtenEntry(after, id));
}

/** A program that is attached has a definition that is made anew each time it is read: what counts is how it is started. */
function sameCode(old: PlannedPlugin, now: PlannedPlugin, entries: readonly (PluginEntry | undefined)[]): boolean {
  if (old.definition === now.definition) return true;
  const [before, after] = entries.map((entry) => entry?.attached && [entry.attached, entry.from, entry.sha256]);
  return before !== undefined && sameValue(before, after);
}

/** How the new configuration stands to the old one, for one plugin. */
interface Comparison {
  readonly asBefore: boolean;
  readonly sameCode: boolean;
  readonly settings: unknown;
}

function changeOf(plugin: PresentPlugin, planned: PlannedPlugin, comparison: Comparison): Change {
  const { planned: old, state } = plugin;
  const { asBefore, sameCode, settings } = comparison;
  if (!sameCode) return replace("its code changed", true);
  if (old.verdict !== planned.verdict) return replace(verdictChange(planned), !asBefore);
  if (planned.verdict !== "run") return KEEP;
  const provider = providerChange(old, planned);
  if (provider !== undefined) return replace(provider, false);
  // Written the same, settings can still differ: a file that `${file:…}` names has another content.
  if (sameValue(plugin.config, settings, asBefore)) return KEEP;
  const inPlace = planned.definition.reconfigure !== undefined && isServing(state);
  return inPlace
    ? { treatment: "reconfigure", because: "its settings changed", ownChange: true }
    : replace("its settings changed", true);
}

function verdictChange({ verdict, reason }: PlannedPlugin): string {
  return verdict === "run" ? "it was switched on" : reason ?? `it is ${verdict}`;
}

/** A plugin sees one truth about its services for a whole life: another provider means another life. */
function providerChange(old: PlannedPlugin, now: PlannedPlugin): string | undefined {
  const providers = (planned: PlannedPlugin) =>
    new Map(planned.dependencies.map(({ service, plugin }) => [service, plugin]));
  const before = providers(old);
  const after = providers(now);
  for (const service of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(service), after.get(service)];
    if (from === to) continue;
    return to === undefined
      ? `plugin "${from}" does not provide "${service}" any more`
      : `"${to}" provides "${service}"`;
  }
  return undefined;
}

/** Whoever holds a service of a plugin that gets a new life gets one too. */
function spread(steps: Map<string, ReloadStep>): readonly ReloadStep[] {
  for (const step of steps.values()) { // Providers come first, so one pass reaches everybody.
    if (step.treatment === "replace" || step.planned?.verdict !== "run") continue;
    const provider = step.planned.dependencies.find(({ plugin }) => steps.get(plugin)?.treatment === "replace");
    if (provider === undefined) continue;
    const because = `it uses plugin "${provider.plugin}", which gets a new life`;
    steps.set(step.id, { ...step, ...replace(because, false) });
  }
  return [...steps.values()];
}
