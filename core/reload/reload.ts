/**
 * Takes the plugins of a running agent from one configuration to another, or leaves them where they were.
 *
 * Settings that change in place come first, as they are cheap to take back. Then the old lives end, the new ones begin, and
 * if one of those does not come up, all of them end and the old ones begin again.
 *
 * @module
 */
import type { LoadedConfig } from "../config/loaded_config.ts";
import { type ConfigProblem, messageOf } from "../errors.ts";
import { isServing } from "../lifecycle.ts";
import type { LoadedPlan } from "../load_plan.ts";
import type { PlannedPlugin } from "../plan.ts";
import type { PluginDriver } from "../plugin_driver.ts";
import type { PluginRun } from "../plugin_run.ts";
import type { Unfinished } from "../plugin_steps.ts";
import { planReload, type ReloadStep } from "./reload_plan.ts";
import { type ReloadAction, type ReloadedPlugin, ReloadError } from "./reload_report.ts";

/** What {@linkcode reloadPlugins} works with. */
export interface ReloadWork {
  readonly driver: PluginDriver;
  readonly before: LoadedConfig;
  readonly next: LoadedPlan;
  /** Whether processes that plugins hold may end. */
  readonly force: boolean;
  /** Makes a run that has not begun. */
  readonly createRun: (planned: PlannedPlugin) => PluginRun;
  /** Gives each run the mount it claims, all in one moment: no request falls in between. */
  readonly mount: (runs: readonly PluginRun[]) => void;
  /** Aborts when the agent is to stop: then nothing is brought back, as everything stops anyway. */
  readonly cancel: AbortSignal;
}

/**
 * Brings the plugins to the new plan. To be called inside {@linkcode PluginDriver.change}.
 *
 * @throws {ReloadError} If it would end processes and is not forced, or a plugin did not take its new settings.
 */
export async function reloadPlugins(work: ReloadWork): Promise<readonly ReloadedPlugin[]> {
  const { driver, next } = work;
  const old = new Map(driver.runs.map((run) => [run.id, run]));
  const served = new Set([...old.values()].filter((run) => isServing(run.state)));
  const first = planReload({ ...work, present: driver.runs });
  let ends = endedProcesses(first, old, work.force);
  let unfinished: readonly Unfinished[];

  const { takeBack, needNewLife } = await reconfigure(first, old, next);
  const steps = needNewLife.size === 0 ? first : planReload({ ...work, present: driver.runs, needNewLife });
  try {
    ends = endedProcesses(steps, old, work.force);
    unfinished = await swap(steps, served, work);
  } catch (error) {
    await takeBack();
    throw error;
  }
  return steps.map((step) => {
    const run = driver.find(step.id);
    const left = unfinished.filter(({ plugin }) => plugin === step.id).map(({ what }) => what);
    const report = {
      id: step.id,
      action: actionOf(step, { wasServing: served.has(old.get(step.id)!), run, policy: next.failurePolicy(step.id) }),
      ...(step.because === undefined ? {} : { because: step.because }),
      ...(run === undefined ? {} : { state: run.state }),
      ...(ends.has(step.id) ? { ended: ends.get(step.id) } : {}),
      ...(left.length > 0 ? { unfinished: left } : {}),
    };
    if (step.treatment !== "replace") run!.replan(step.planned!, next.failurePolicy(step.id));
    return report;
  });
}

function actionOf(
  { treatment }: ReloadStep,
  { wasServing, run, policy }: { wasServing: boolean; run: PluginRun | undefined; policy: string },
): ReloadAction {
  if (treatment === "reconfigure") return "reconfigured";
  if (treatment === "keep") return run?.onFailure === policy ? "untouched" : "policy";
  const serves = run !== undefined && isServing(run.state);
  if (serves) return wasServing ? "restarted" : "started";
  return wasServing ? "stopped" : "untouched";
}

/** What lives that are to end hold, by plugin. @throws {ReloadError} If they hold anything and `force` is not given. */
function endedProcesses(
  steps: readonly ReloadStep[],
  old: ReadonlyMap<string, PluginRun>,
  force: boolean,
): ReadonlyMap<string, readonly string[]> {
  const ends = new Map<string, readonly string[]>();
  for (const { id, treatment } of steps) {
    const run = old.get(id);
    if (treatment !== "replace" || run === undefined || !isServing(run.state)) continue;
    const living = run.life?.processes.living ?? [];
    if (living.length > 0) ends.set(id, living.map(({ pid, program }) => `${program} (process ${pid})`));
  }
  if (ends.size > 0 && !force) throw refusal(ends);
  return ends;
}

function refusal(ends: ReadonlyMap<string, readonly string[]>): ReloadError {
  return new ReloadError(
    "reload_refused",
    "The reload would end processes and was not forced; nothing was changed",
    [...ends].map(([id, processes]) => ({
      path: `plugins.${id}`,
      message: `its restart would end ${processes.join(", ")}`,
    })),
  );
}

/** What {@linkcode reconfigure} did. */
interface Reconfigured {
  /** Gives the old settings back. */
  readonly takeBack: () => Promise<void>;
  /** Plugins that cannot take their new settings in place. */
  readonly needNewLife: ReadonlySet<string>;
}

/** @throws {ReloadError} If a plugin refused its settings; the others have their old ones again. */
async function reconfigure(
  steps: readonly ReloadStep[],
  old: ReadonlyMap<string, PluginRun>,
  next: LoadedPlan,
): Promise<Reconfigured> {
  const needNewLife = new Set<string>();
  const undo: (() => Promise<unknown>)[] = [];
  // A plugin that does not take its old settings either has said so: its errors are charged.
  const takeBack = async () => {
    for (const giveBack of undo.toReversed()) await giveBack().catch(() => {});
  };
  for (const { id, treatment } of steps) {
    if (treatment !== "reconfigure") continue;
    const run = old.get(id)!;
    const before = settings(run.config);
    try {
      const answer = await run.reconfigure(settings(next.settingsOf(id)));
      if (answer === "restart") needNewLife.add(id);
      else undo.push(() => run.reconfigure(before));
    } catch (error) {
      await takeBack();
      throw failure([{ path: `plugins.${id}`, message: messageOf(error) }], error);
    }
  }
  return { takeBack, needNewLife };
}

/** A plugin that takes settings has an object of them. */
function settings(value: unknown): Readonly<Record<string, unknown>> {
  return value as Readonly<Record<string, unknown>>;
}

/**
 * Ends the lives that are to end and begins the new ones. Returns what the old ones did not end in time.
 *
 * @throws {ReloadError} If a new one did not come up.
 */
async function swap(
  steps: readonly ReloadStep[],
  served: ReadonlySet<PluginRun>,
  work: ReloadWork,
): Promise<readonly Unfinished[]> {
  const { driver, createRun, mount, cancel } = work;
  const before = driver.runs;
  const replaced = steps.filter(({ treatment }) => treatment === "replace");
  if (replaced.length === 0) return [];
  const ids = new Set(replaced.map(({ id }) => id));
  const leaving = before.filter((run) => ids.has(run.id));
  const after = steps.flatMap(({ id, planned, treatment }) =>
    planned === undefined ? [] : [treatment === "replace" ? createRun(planned) : driver.find(id)!]
  );
  const coming = after.filter((run) => ids.has(run.id));

  const unfinished = await driver.takeDown(leaving, "its configuration changes");
  driver.adopt(after);
  mount(after);
  await driver.bringUp(coming);
  try {
    cancel.throwIfAborted();
    const down = coming.filter((run) => run.planned.verdict === "run" && !isServing(run.state));
    const wanted = down.filter((run) => replaced.some((step) => step.id === run.id && step.ownChange) || had(run.id));
    if (wanted.length === 0) return unfinished;
    const problems = wanted.map((run) => ({ path: `plugins.${run.id}`, message: describe(run) }));
    await driver.takeDown(coming, "the configuration before comes back");
    driver.adopt(before);
    mount(before);
    const returning = leaving.filter((run) => served.has(run));
    await driver.bringUp(returning);
    const lost = returning.filter((run) => !isServing(run.state));
    throw failure([
      ...problems,
      ...lost.map((run) => ({ path: `plugins.${run.id}`, message: `did not come back: ${describe(run)}` })),
    ], wanted[0]!.failure);
  } finally {
    driver.release();
  }

  function had(id: string): boolean {
    return leaving.some((run) => run.id === id && served.has(run));
  }
}

function describe(run: PluginRun): string {
  return run.failure?.message ?? `it is ${run.state}: ${run.lifecycle.reason ?? "no reason is known"}`;
}

function failure(problems: readonly ConfigProblem[], cause: unknown): ReloadError {
  return new ReloadError(
    "reload_failed",
    "A plugin did not take the new configuration; the one before is in force again",
    problems,
    { cause },
  );
}
