/**
 * Steps of a plugin's code: inside deadlines, and remembered until they really end.
 *
 * @module
 */
import type { Deadline } from "./deadline.ts";
import type { PluginPhase } from "./errors.ts";
import type { StepDeadlines } from "./road.ts";
import type { Scope } from "./scope.ts";

/** Work that was abandoned or did not end, for the exit report. */
export interface Unfinished {
  readonly plugin: string;
  readonly phase: PluginPhase;
  /** What exactly, in words. */
  readonly what: string;
  /** Holds the stack of whoever began the task, or took the resource that is not let go. */
  readonly origin?: Error;
}

/** One step. */
export interface Step {
  readonly phase: PluginPhase;
  /** Time for the step, in milliseconds; less when its parent has less left. */
  readonly ms: number;
  readonly work: (signal: AbortSignal) => unknown;
  /** Whose code it is; absent after its life. */
  readonly scope?: Scope;
  /** Ends the step early: the agent stops. */
  readonly cancel?: AbortSignal;
  /** Which of several steps of the phase, in words. */
  readonly detail?: string;
}

/** Runs the steps of one plugin. */
export class PluginSteps {
  readonly #plugin: string;
  readonly #host: { readonly deadlines: StepDeadlines };
  readonly #pending = new Set<Unfinished>();

  /** @param host Has the deadlines that count now: they are settings. */
  constructor(plugin: string, host: { readonly deadlines: StepDeadlines }) {
    this.#plugin = plugin;
    this.#host = host;
  }

  /** Steps that were begun and have not ended, whether or not anybody still waits for them. */
  get pending(): readonly Unfinished[] {
    return [...this.#pending];
  }

  /**
   * Runs a step as the plugin.
   *
   * @throws {DeadlineError} When it takes too long; it goes on regardless, and stays pending.
   * @throws What it throws.
   */
  run(parent: Deadline, { phase, ms, work, scope, cancel, detail }: Step): Promise<void> {
    const label = `${phase} of plugin "${this.#plugin}"${detail === undefined ? "" : `, ${detail}`}`;
    const entry: Unfinished = { plugin: this.#plugin, phase, what: label };
    // What notices a stop by `ctx.signal` is told at once, and has the time of a stop to end in its own way. A plugin that runs
    // has yet to be drained, whatever its ready hooks do.
    const isServed = phase === "ready";
    const settled = new AbortController();
    if (!isServed) {
      cancel?.addEventListener("abort", () => scope?.close(cancel.reason), { once: true, signal: settled.signal });
    }
    const cancellation = cancel && { signal: cancel, graceMs: isServed ? 0 : this.#host.deadlines.stopMs };
    return parent.nested(ms).run(label, async (signal) => {
      this.#pending.add(entry);
      try {
        await (scope === undefined ? work(signal) : scope.enter(phase, () => work(signal)));
      } finally {
        this.#pending.delete(entry);
      }
    }, cancellation).finally(() => settled.abort());
  }
}
