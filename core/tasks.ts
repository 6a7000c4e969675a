/**
 * Background work that ends with its plugin. Work recorded during set-up begins when the plugin starts.
 *
 * @module
 */
import { elapsedOn } from "./clock.ts";
import { messageOf } from "./errors.ts";
import type { PluginHealth } from "./health.ts";
import type { Awaitable, Clock, Logger, Tasks } from "./plugin.ts";
import type { Scope } from "./scope.ts";

/** First pause before a restart, in milliseconds; it doubles up to the longest. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A restarted task that ran this long, in milliseconds, counts as recovered. */
const RECOVERED_MS = 60_000;

type Restart = "never" | { readonly maxPerHour: number };

/** A task that has not ended. */
export interface RunningTask {
  readonly name: string;
  /** Holds the stack of whoever began it; written out only when somebody reads it. */
  readonly origin: Error;
}

/** Implements `ctx.tasks`. */
export class PluginTasks implements Tasks {
  readonly #waiting: (() => void)[] = [];
  readonly #running = new Map<Promise<void>, RunningTask>();
  #begun = false;

  constructor(
    private readonly options: {
      readonly scope: Scope;
      readonly clock: Clock;
      readonly log: Logger;
      readonly health: PluginHealth;
    },
  ) {}

  run(
    name: string,
    work: (signal: AbortSignal) => Promise<void>,
    options: { readonly restart?: Restart } = {},
  ): void {
    this.options.scope.assertOpen(`run task "${name}"`);
    const task = { name, origin: new Error(`task "${name}"`) };
    const start = () => this.#track(task, this.#keepRunning(name, work, options.restart ?? "never"));
    if (this.#begun) start();
    else this.#waiting.push(start);
  }

  every(name: string, ms: number, work: (signal: AbortSignal) => Awaitable<void>): void {
    if (!(ms > 0)) throw new RangeError(`Cannot run task "${name}" every ${ms} ms: expected more than 0`);
    const { clock, health } = this.options;
    this.run(name, async (signal) => {
      while (true) {
        await clock.sleep(ms, signal);
        try {
          await work(signal);
          health.clear(`task ${name}`);
        } catch (error) {
          signal.throwIfAborted();
          this.#failed(name, error);
        }
      }
    });
  }

  /** Begins what was recorded, and later work at once. */
  begin(): void {
    this.#begun = true;
    for (const start of this.#waiting.splice(0)) start();
  }

  /** Tasks that have not ended. */
  get running(): readonly RunningTask[] {
    return [...this.#running.values()];
  }

  /** Resolves when every task has ended. The scope's signal asks them to. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.keys());
  }

  #track(task: RunningTask, work: Promise<void>): void {
    this.#running.set(work, task);
    void work.finally(() => this.#running.delete(work));
  }

  /** Never rejects. */
  async #keepRunning(name: string, work: (signal: AbortSignal) => Promise<void>, restart: Restart): Promise<void> {
    const { scope, clock, log, health } = this.options;
    const restarts: number[] = [];
    while (!scope.signal.aborted) {
      const settled = new AbortController();
      if (restarts.length > 0) this.#recoverLater(name, settled.signal);
      try {
        await scope.enter("task", async () => await work(scope.signal));
        health.clear(`task ${name}`);
        return;
      } catch (error) {
        if (scope.signal.aborted) return;
        this.#failed(name, error);
      } finally {
        settled.abort();
      }
      const now = elapsedOn(clock);
      while (restarts[0] !== undefined && now - restarts[0] >= HOUR_MS) restarts.shift();
      if (restart === "never") return;
      if (restarts.length >= restart.maxPerHour) {
        log.error("task not restarted any more", { task: name, restarts_last_hour: restarts.length });
        return;
      }
      restarts.push(now);
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (restarts.length - 1), LONGEST_PAUSE_MS);
      try {
        await clock.sleep(pauseMs, scope.signal);
      } catch {
        return; // The plugin stops; there is nothing to restart.
      }
    }
  }

  #recoverLater(name: string, cancel: AbortSignal): void {
    this.options.clock.sleep(RECOVERED_MS, cancel).then(
      () => this.options.health.clear(`task ${name}`),
      () => {}, // It failed or ended before; whoever cancelled has set the health.
    );
  }

  #failed(name: string, error: unknown): void {
    this.options.scope.charge(error, "task");
    this.options.health.set(`task ${name}`, `task "${name}" failed: ${messageOf(error)}`);
  }
}
