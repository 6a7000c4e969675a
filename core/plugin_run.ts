/**
 * Drives one plugin along its lifecycle. Knows nothing of other plugins: the agent decides when each step is due.
 *
 * @module
 */
import type { FailurePolicy } from "./config/plugin_entry.ts";
import { Deadline } from "./deadline.ts";
import type { AnyDefinition } from "./definition.ts";
import { DeadlineError, messageOf, PluginError, type PluginPhase } from "./errors.ts";
import type { PluginHealth } from "./health.ts";
import type { PluginHooks } from "./hooks.ts";
import type { PluginRoutes } from "./http/plugin_routes.ts";
import { isServing, Lifecycle, type State } from "./lifecycle.ts";
import { nextTurn } from "./next_turn.ts";
import type { Owner } from "./owner.ts";
import type { PlannedPlugin } from "./plan.ts";
import type { LivingChild } from "./exec/process_groups.ts";
import type { Announcement, Clock, Logger, Needs, PluginContext } from "./plugin.ts";
import { PluginSteps, type Step, type Unfinished } from "./plugin_steps.ts";
import { RetryBudget } from "./retry_budget.ts";
import type { StepDeadlines } from "./road.ts";
import { Scope } from "./scope.ts";
import type { PluginTasks } from "./tasks.ts";
import { thrownAt } from "./thrown_at.ts";

/** What one life of a plugin uses; made when it sets up, gone when it stops. */
export interface Life {
  readonly scope: Scope;
  readonly hooks: PluginHooks;
  readonly tasks: PluginTasks;
  readonly health: PluginHealth;
  readonly announced: Announcement[];
  readonly routes: PluginRoutes;
  readonly processes: { killAll(): void; readonly living: readonly LivingChild[] };
}

/** What the agent offers to each plugin's driver. */
export interface RunHost {
  readonly clock: Clock;
  readonly deadlines: StepDeadlines;
  log(plugin: string): Logger;
  /** Builds the context of a new life. */
  openLife(run: PluginRun, scope: Scope): { readonly life: Life; readonly ctx: PluginContext<unknown, Needs> };
  /** Ids of services the plugin lists and has not provided. */
  missingServices(definition: AnyDefinition): readonly string[];
  withdrawServices(plugin: string): void;
  stateChanged(run: PluginRun, state: State): void;
  errorCounted(plugin: string, phase: PluginPhase): void;
}

/** How long the steps of a plugin took, in milliseconds. */
export interface Timings {
  setupMs?: number;
  startMs?: number;
}

/** Turns of the event loop that a ready hook gets at the end. Nothing depends on it but whether it is called unfinished. */
const FAREWELL_TURNS = 20;

/** One plugin of a running agent. */
export class PluginRun {
  readonly id: string;
  readonly definition: AnyDefinition;
  readonly lifecycle: Lifecycle;
  readonly timings: Timings = {};
  readonly retries: RetryBudget = new RetryBudget();
  readonly #host: RunHost;
  readonly #log: Logger;
  readonly #steps: PluginSteps;
  #life: Life | undefined;
  #ctx: PluginContext<unknown, Needs> | undefined;
  #planned: PlannedPlugin;
  #config: unknown;
  #onFailure: FailurePolicy;
  #failure: PluginError | undefined;
  /** Set while a crash releases what the plugin holds. */
  #crashing: Promise<void> | undefined;
  #held: ReadonlySet<string> = new Set();

  /** @param config Checked by the plugin's own schema. */
  constructor(planned: PlannedPlugin, config: unknown, onFailure: FailurePolicy, host: RunHost) {
    this.#planned = planned;
    this.#config = config;
    this.#onFailure = onFailure;
    this.definition = planned.definition;
    this.id = planned.definition.id;
    this.#host = host;
    this.#log = host.log(this.id);
    this.#steps = new PluginSteps(this.id, host);
    this.lifecycle = new Lifecycle(this.id, (state) => host.stateChanged(this, state));
  }

  get state(): State {
    return this.lifecycle.state;
  }
  /** Its place in the plan. */
  get planned(): PlannedPlugin {
    return this.#planned;
  }
  /** Settings in force. */
  get config(): unknown {
    return this.#config;
  }
  /** What its failure means for the agent. */
  get onFailure(): FailurePolicy {
    return this.#onFailure;
  }
  /** What the present life holds, while there is one. */
  get life(): Life | undefined {
    return this.#life;
  }
  /** Ids of the plugins whose services it was given in this life. */
  get held(): ReadonlySet<string> {
    return this.#held;
  }
  /** The error that ended the last life. */
  get failure(): PluginError | undefined {
    return this.#failure;
  }
  /** Whether `owner` is this plugin in its present life. */
  owns(owner: Owner): boolean {
    return owner.charge === this.#life?.scope.charge;
  }

  /** planned → settingUp → prepared, or failed with everything released. Never rejects. */
  async setUp(deadline: Deadline, cancel: AbortSignal, providers: ReadonlySet<string>): Promise<void> {
    this.lifecycle.step("settingUp");
    this.#held = providers;
    this.#failure = undefined;
    const began = performance.now();
    const scope = new Scope(this.id, (error, phase) => this.charge(error, phase));
    try {
      const { life, ctx } = this.#host.openLife(this, scope);
      this.#life = life;
      this.#ctx = ctx;
      await this.#within(deadline, {
        ...{ phase: "setup", ms: this.#host.deadlines.setupMs, cancel },
        work: () => this.definition.setup(ctx),
      });
      cancel.throwIfAborted();
      const missing = this.#host.missingServices(this.definition);
      if (missing.length > 0) {
        throw new TypeError(`provides lists ${missing.map((id) => `"${id}"`).join(", ")} and setup did not provide it`);
      }
      life.routes.seal();
      this.timings.setupMs = performance.now() - began;
      this.lifecycle.step("prepared");
    } catch (error) {
      await this.#fail("setup", error, scope, cancel.aborted);
    }
  }

  /** prepared → starting → running, or failed with everything released. Never rejects. */
  async start(deadline: Deadline, cancel: AbortSignal): Promise<void> {
    const life = this.#open();
    this.lifecycle.step("starting");
    const began = performance.now();
    try {
      await this.#within(deadline, {
        ...{ phase: "start", ms: this.#host.deadlines.startMs, cancel },
        work: async (signal) => {
          for (const hook of life.hooks.start) await hook(signal);
        },
      });
      cancel.throwIfAborted();
      this.timings.startMs = performance.now() - began;
      this.lifecycle.step("running");
      this.healthChanged();
      life.tasks.begin();
    } catch (error) {
      await this.#fail("start", error, life.scope, cancel.aborted);
    }
  }

  /** Calls the ready hooks, until `cancel` says that nobody waits for them any more. Their errors are charged and change nothing. Never rejects. */
  async ready(cancel: AbortSignal): Promise<void> {
    const life = this.#life;
    if (life === undefined || !isServing(this.state)) return;
    const deadline = new Deadline(this.#host.clock, this.#host.deadlines.readyMs);
    for (const hook of life.hooks.ready) {
      try {
        await this.#within(deadline, { phase: "ready", ms: deadline.ms, work: () => hook(), cancel });
      } catch (error) {
        if (cancel.aborted) return;
        this.charge(error, "ready");
      }
    }
  }

  /** Tells the plugin that a stop was decided. Its errors are charged and change nothing. */
  stopping(reason: string): void {
    const life = this.#life;
    if (life === undefined || !isServing(this.state)) return;
    for (const hook of life.hooks.stopping) {
      try {
        life.scope.enter("drain", () => hook(reason));
      } catch (error) {
        this.charge(error, "drain");
      }
    }
  }

  /** A new plan that leaves the plugin alone: its place, and what its failure means. */
  replan(planned: PlannedPlugin, onFailure: FailurePolicy): void {
    this.#planned = planned;
    this.#onFailure = onFailure;
  }

  /**
   * Gives a serving plugin other settings in place. They are in force when this resolves to `"done"`; `"restart"` means that
   * they need a new life.
   *
   * @throws {PluginError} If the plugin refused them or took too long; the old ones stay in force.
   */
  async reconfigure(next: Readonly<Record<string, unknown>>): Promise<"done" | "restart"> {
    const { health } = this.#open();
    let answer: unknown;
    const ctx = this.#ctx!;
    const deadline = new Deadline(this.#host.clock, this.#host.deadlines.setupMs);
    try {
      await this.#within(deadline, {
        ...{ phase: "reconfigure", ms: deadline.ms },
        work: async () => {
          answer = await this.definition.reconfigure?.(ctx, next);
        },
      });
      if (answer === "restart") return "restart";
      this.#config = next;
      health.clear("reconfigure");
      return "done";
    } catch (error) {
      const failure = new PluginError(this.id, "reconfigure", error);
      this.charge(failure, "reconfigure");
      // A plugin that throws has changed nothing; one that hangs may still be at it.
      if (error instanceof DeadlineError) health.set("reconfigure", `settings are uncertain: ${error.message}`);
      throw failure;
    }
  }

  /** running → draining; lets what is in flight finish. WebSockets are closed with `farewell`. Never rejects. */
  async drain(deadline: Deadline, farewell: string = "the agent stops"): Promise<void> {
    await this.#crashing;
    if (!isServing(this.state)) return;
    const life = this.#open();
    this.lifecycle.step("draining");
    const own = this.#host.deadlines.drainMs;
    life.routes.closeSockets(1001, farewell);
    const routes = this.#within(deadline, {
      ...{ phase: "drain", ms: own, detail: "open requests" },
      work: () => life.routes.idle(),
    });
    const hooks = life.hooks.drain.map(({ deadlineMs, fn }) =>
      this.#within(deadline, { phase: "drain", ms: deadlineMs ?? own, work: fn })
    );
    for (const outcome of await Promise.allSettled([routes, ...hooks])) {
      if (outcome.status === "rejected") this.charge(outcome.reason, "drain");
    }
  }

  /** Releases everything: → stopping → stopped, or failed when something did not let go. Never rejects. */
  async stop(deadline: Deadline, reason: unknown): Promise<void> {
    if (this.state !== "draining" && this.state !== "prepared") return;
    const life = this.#open();
    this.lifecycle.step("stopping");
    try {
      await this.#release(life, deadline, reason);
      this.lifecycle.step("stopped", String(reason));
    } catch (error) {
      this.charge(error, "stop");
      this.lifecycle.step("failed", messageOf(error));
    }
  }

  /** Ends a running plugin because of `error`: → failed with everything released. Twice is once. Never rejects. */
  async crash(error: unknown): Promise<void> {
    if (this.#crashing === undefined && isServing(this.state)) {
      this.#crashing = this.#fail("unhandled", error, this.#open().scope).finally(() => this.#crashing = undefined);
    }
    await this.#crashing;
  }

  /** Moves between running and degraded as the plugin's health says. */
  healthChanged(): void {
    const reason = this.#life?.health.reason;
    if (this.state === "running" && reason !== undefined) this.lifecycle.step("degraded", reason);
    else if (this.state === "degraded") this.lifecycle.step(reason === undefined ? "running" : "degraded", reason);
  }

  /** Counts and logs an error that left plugin code. */
  charge(error: unknown, phase: PluginPhase): void {
    this.#host.errorCounted(this.id, phase);
    const at = thrownAt(error);
    const where = at === undefined ? {} : { at };
    this.#log.error("plugin error", { phase, error: error instanceof Error ? error : String(error), ...where });
    if (phase === "unhandled") this.#life?.health.set("unhandled", `unhandled error: ${messageOf(error)}`);
  }

  /** What was begun and has not ended. */
  get unfinished(): readonly Unfinished[] {
    const tasks = isOver(this.state) ? this.#life?.tasks.running ?? [] : [];
    const held = this.#life?.scope.releasing;
    return [
      ...this.#steps.pending.map((entry) => entry.phase === "stop" && held ? { ...entry, origin: held } : entry),
      ...tasks.map(({ name, origin }) => ({
        ...{ plugin: this.id, phase: "task" as const, what: `task "${name}"`, origin },
      })),
    ];
  }

  #open(): Life {
    if (this.#life === undefined) throw new TypeError(`Plugin "${this.id}" holds nothing in state "${this.state}"`);
    return this.#life;
  }

  /** Runs plugin code in its present life. */
  #within(parent: Deadline, step: Omit<Step, "scope">): Promise<void> {
    return this.#steps.run(parent, { ...step, scope: this.#life?.scope });
  }

  async #release(life: Life, deadline: Deadline, reason: unknown): Promise<void> {
    this.#host.withdrawServices(this.id);
    life.scope.close(reason);
    try {
      await this.#within(deadline, {
        ...{ phase: "stop", ms: this.#host.deadlines.stopMs },
        work: async () => {
          await life.tasks.ended();
          await life.scope.release(reason);
        },
      });
    } finally {
      life.processes.killAll();
    }
    await this.#farewell();
  }

  /** A ready hook that nobody waits for any more says in the next turns of the event loop that the release has ended its work. */
  async #farewell(): Promise<void> {
    const isReadying = () => this.#steps.pending.some(({ phase }) => phase === "ready");
    for (let turn = 0; turn < FAREWELL_TURNS && isReadying(); turn++) {
      await nextTurn();
    }
  }

  async #fail(phase: PluginPhase, error: unknown, scope: Scope, isCancelled = false): Promise<void> {
    const failure = error instanceof PluginError ? error : new PluginError(this.id, phase, error);
    this.#failure = failure;
    // Being told to stop half way is no fault of the plugin.
    if (!isCancelled) this.charge(failure, phase);
    const life = this.#life;
    const deadline = new Deadline(this.#host.clock, this.#host.deadlines.stopMs);
    try {
      if (life === undefined) await scope.release(failure);
      else await this.#release(life, deadline, failure);
    } catch (second) {
      this.charge(second, "stop");
    }
    this.lifecycle.step("failed", error instanceof DeadlineError ? error.message : messageOf(failure.cause));
  }
}

function isOver(state: State): boolean {
  return state === "stopped" || state === "failed";
}
