/**
 * Takes all plugins of an agent up and down together.
 *
 * Providers go first on the way up and last on the way down; plugins without a path between them go together. A plugin that
 * fails takes down those that need it, and nobody else.
 *
 * @module
 */
import { elapsedOn } from "./clock.ts";
import { Deadline } from "./deadline.ts";
import { ConfigError, messageOf, type PluginError } from "./errors.ts";
import { inOrder } from "./in_order.ts";
import { isServing, type State } from "./lifecycle.ts";
import type { Clock, Logger } from "./plugin.ts";
import type { PluginRun } from "./plugin_run.ts";
import type { Unfinished } from "./plugin_steps.ts";

/** What {@linkcode PluginDriver} is made from. */
export interface PluginDriverOptions {
  /** In the order of the plan. {@linkcode PluginDriver.adopt} puts others in their place. */
  readonly runs: readonly PluginRun[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Time for a whole shutdown, in milliseconds, before declared drain deadlines are added. */
  readonly shutdownMs: number;
  /** Aborts when the agent is to stop: nothing is begun any more. */
  readonly cancel: AbortSignal;
  /** A required plugin failed while the agent was running. */
  readonly onRequiredFailure: (error: PluginError | undefined) => void;
}

/** Decides for each plugin when its next step is due. */
export class PluginDriver {
  readonly #options: PluginDriverOptions;
  readonly #background = new Set<Promise<unknown>>();
  #runs: readonly PluginRun[];
  /** Runs whose failure is somebody's to judge who brings them up now; their failure policy waits. */
  #staged: ReadonlySet<PluginRun> = new Set();
  /** The end of the latest change of who runs: the next one begins then. */
  #lastChange: Promise<unknown> = Promise.resolve();
  /** Resolves when the first ascent is over: retries wait for it. */
  readonly #ascended = Promise.withResolvers<void>();
  #isUp = false;

  constructor(options: PluginDriverOptions) {
    this.#options = options;
    this.#runs = options.runs;
  }

  /** In the order of the plan. */
  get runs(): readonly PluginRun[] {
    return this.#runs;
  }

  /**
   * Sets up and starts everything the plan says.
   *
   * @throws {PluginError} If a required plugin failed.
   * @throws {ConfigError} If a required plugin had to be skipped.
   */
  async ascend(): Promise<void> {
    try {
      await this.#raise(this.runs);
      this.#options.cancel.throwIfAborted();
      this.#throwRequiredFailure();
      this.#isUp = true;
    } finally {
      this.#ascended.resolve();
    }
  }

  /** Tells every plugin that the agent listens. */
  async ready(): Promise<void> {
    await Promise.all(this.runs.map((run) => run.ready(this.#options.cancel)));
  }

  /** Drains everything, then releases everything. Returns when both are over or out of time. */
  async descend(reason: string, deadline: Deadline): Promise<void> {
    this.#isUp = false;
    await this.#lower(this.runs, reason, deadline, "the agent stops");
  }

  /**
   * Runs `work`, which changes who runs, when no other change is under way; reactions to failures are such changes too.
   * {@linkcode settled} waits for it.
   */
  change<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastChange.then(work);
    const ended = turn.catch(() => {}).finally(() => this.#background.delete(ended)); // The caller hears of the failure.
    this.#lastChange = ended;
    this.#background.add(ended);
    return turn;
  }

  /** Puts `runs` in the place of the present ones. Those left out must not hold anything any more. */
  adopt(runs: readonly PluginRun[]): void {
    this.#runs = runs;
  }

  /**
   * Drains and stops some of the runs while the others go on, and returns what they began and did not end in time. Only inside
   * {@linkcode change}.
   */
  async takeDown(runs: readonly PluginRun[], reason: string): Promise<readonly Unfinished[]> {
    await this.#lower(runs, reason, new Deadline(this.#options.clock, this.shutdownMs), "the plugin gets a new life");
    const unfinished = runs.flatMap((run) => run.unfinished);
    for (const { plugin, phase, what } of unfinished) {
      this.#options.log.warn("did not finish", { plugin, phase, what });
    }
    return unfinished;
  }

  /**
   * Sets up, starts and readies some of the runs beside the others. Nobody reacts to their failures before
   * {@linkcode release}, so that the caller can take all of them back. Only inside {@linkcode change}.
   */
  async bringUp(runs: readonly PluginRun[]): Promise<void> {
    this.#staged = new Set(runs);
    await this.#raise(runs);
    await Promise.all(runs.map((run) => run.ready(this.#options.cancel)));
  }

  /** Ends the care of {@linkcode bringUp}: from now on failures, also past ones, have the consequences that are configured. */
  release(): void {
    const staged = [...this.#staged].filter((run) => this.runs.includes(run));
    this.#staged = new Set();
    for (const run of staged) this.stateChanged(run, run.state);
  }

  /** Time a shutdown may take now, in milliseconds. */
  get shutdownMs(): number {
    const declared = this.runs.map((run) => run.life?.hooks.declaredDrainMs ?? 0);
    return this.#options.shutdownMs + Math.max(0, ...declared);
  }

  /** Resolves when no retry and no take-down of dependents is under way. */
  async settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Reacts to a failure: those that need the plugin stop, and its failure policy applies. */
  stateChanged(run: PluginRun, state: State): void {
    if (state !== "failed" || this.#options.cancel.aborted || this.#staged.has(run)) return;
    if (this.#isUp) this.#inBackground(this.#afterFailure(run));
    else if (run.onFailure === "retry") this.#inBackground(this.#retry(run));
  }

  /** Ends a running plugin as failed, in the background of whatever reports it. */
  crashed(run: PluginRun, error: unknown): void {
    this.#inBackground(run.crash(error));
  }

  /** The run of a plugin, if the agent has it. */
  find(id: string): PluginRun | undefined {
    return this.runs.find((run) => run.id === id);
  }

  async #setUp(id: string): Promise<void> {
    const run = this.find(id);
    if (run?.state !== "planned" || this.#options.cancel.aborted) return;
    const missing = this.#missingProvider(run, (state) => state === "prepared" || isServing(state));
    if (missing !== undefined) return run.lifecycle.step("skipped", missing);
    await run.setUp(this.#unbounded(), this.#options.cancel, this.#presentProviders(run));
  }

  async #startPlugin(id: string): Promise<void> {
    const run = this.find(id);
    if (run?.state !== "prepared" || this.#options.cancel.aborted) return;
    if (run.planned.dependencies.some((need) => run.held.has(need.plugin) && !this.#serves(need.plugin))) {
      // A provider was set up, handed out its service, and failed to start: what was built on it is undone.
      await run.stop(this.#unbounded(), "a service it holds was withdrawn");
      run.lifecycle.step("planned");
      const missing = this.#missingProvider(run, isServing);
      if (missing !== undefined) return run.lifecycle.step("skipped", missing);
      await run.setUp(this.#unbounded(), this.#options.cancel, this.#presentProviders(run));
      if (run.life === undefined || run.failure !== undefined) return;
    }
    await run.start(this.#unbounded(), this.#options.cancel);
  }

  #throwRequiredFailure(): void {
    for (const run of this.runs) {
      if (run.onFailure !== "abort") continue;
      if (run.failure !== undefined && !isServing(run.state)) throw run.failure;
      if (run.state === "skipped") {
        throw new ConfigError([{
          path: `plugins.${run.id}`,
          message: `plugin "${run.id}" is required and cannot run: ${run.lifecycle.reason}`,
        }]);
      }
    }
  }

  /** Stops those who need a plugin that failed while running, then applies its failure policy. */
  async #afterFailure(run: PluginRun): Promise<void> {
    await this.change(async () => {
      if (!this.#isFailed(run)) return;
      const dependents = this.runs.filter((other) => isServing(other.state) && this.#needs(other, run.id));
      const deadline = new Deadline(this.#options.clock, this.#options.shutdownMs);
      for (const dependent of dependents.toReversed()) {
        await dependent.drain(deadline);
        await dependent.stop(deadline, `plugin "${run.id}", which it needs, failed`);
      }
    });
    if (!this.#isFailed(run)) return;
    if (run.onFailure === "abort") this.#options.onRequiredFailure(run.failure);
    if (run.onFailure === "retry") await this.#retry(run);
  }

  async #retry(run: PluginRun): Promise<void> {
    const pauseMs = run.retries.pauseFor(run.failure, elapsedOn(this.#options.clock));
    if (pauseMs === undefined) return;
    this.#options.log.info("plugin will be retried", { plugin: run.id, pause_ms: Math.round(pauseMs) });
    try {
      await this.#ascended.promise;
      await this.#options.clock.sleep(pauseMs, this.#options.cancel);
    } catch {
      return; // The agent stops.
    }
    await this.change(async () => {
      if (!this.#isFailed(run)) return;
      await this.#revive(run);
      if (!isServing(run.state)) return;
      for (const other of this.runs) {
        const waiting = other.state === "skipped" || other.state === "stopped";
        if (waiting && other.planned.verdict === "run" && this.#needs(other, run.id)) await this.#revive(other);
      }
    });
  }

  /** Whether the run is still the plugin's, and down: another change may have come in between. */
  #isFailed(run: PluginRun): boolean {
    return run.state === "failed" && this.runs.includes(run);
  }

  async #revive(run: PluginRun): Promise<void> {
    if (this.#missingProvider(run, isServing) !== undefined || this.#options.cancel.aborted) return;
    run.lifecycle.step("planned");
    await this.#setUp(run.id);
    await this.#startPlugin(run.id);
    await run.ready(this.#options.cancel);
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work.catch((error) => {
      this.#options.log.error("driver failed", { error: error instanceof Error ? error : messageOf(error) });
    }).finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  /** Takes runs that hold nothing through set-up and start, providers first. */
  async #raise(runs: readonly PluginRun[]): Promise<void> {
    for (const { planned: { verdict, reason }, lifecycle } of runs) {
      lifecycle.step(verdict === "run" ? "planned" : verdict, reason);
    }
    const ids = runs.map((run) => run.id);
    await inOrder(ids, (id) => this.#providers(id), (id) => this.#setUp(id));
    await inOrder(ids, (id) => this.#providers(id), (id) => this.#startPlugin(id));
  }

  /** Drains runs, then releases them, those who use others first. */
  async #lower(runs: readonly PluginRun[], reason: string, deadline: Deadline, farewell: string): Promise<void> {
    for (const run of runs) run.stopping(reason);
    const byId = new Map(runs.map((run) => [run.id, run]));
    const downwards = (step: (run: PluginRun) => Promise<void>) =>
      inOrder([...byId.keys()], (id) => this.#dependents(id), (id) => step(byId.get(id)!));
    await downwards((run) => run.drain(deadline, farewell));
    await downwards((run) => run.stop(deadline, reason));
  }

  #serves(id: string): boolean {
    return isServing(this.find(id)?.state ?? "failed");
  }
  #providers(id: string): readonly string[] {
    return this.find(id)?.planned.dependencies.map((need) => need.plugin) ?? [];
  }
  #dependents(id: string): readonly string[] {
    return this.runs.filter((run) => run.planned.dependencies.some((need) => need.plugin === id)).map(({ id }) => id);
  }
  /** Whether `run` cannot be without `provider`, directly or through others. */
  #needs(run: PluginRun, provider: string): boolean {
    return run.planned.dependencies.some((need) => {
      if (need.optional) return false;
      const through = this.find(need.plugin);
      return need.plugin === provider || (through !== undefined && this.#needs(through, provider));
    });
  }
  #presentProviders(run: PluginRun): ReadonlySet<string> {
    const isThere = (id: string) => this.find(id)?.state === "prepared" || this.#serves(id);
    return new Set(this.#providers(run.id).filter(isThere));
  }
  #missingProvider(run: PluginRun, isThere: (state: State) => boolean): string | undefined {
    for (const need of run.planned.dependencies) {
      const provider = this.find(need.plugin);
      if (need.optional || provider === undefined || isThere(provider.state)) continue;
      const why = provider.lifecycle.reason === undefined ? "" : `: ${provider.lifecycle.reason}`;
      return `needs "${need.service}" of plugin "${need.plugin}", which is ${provider.state}${why}`;
    }
    return undefined;
  }

  /** The start has no deadline of its own: each step of each plugin has one. */
  #unbounded(): Deadline {
    return new Deadline(this.#options.clock, Number.MAX_SAFE_INTEGER);
  }
}
