/**
 * Moments a plugin asked to be called at. `setup` records; the driver calls.
 *
 * @module
 */
import type { Awaitable, Hooks } from "./plugin.ts";

/** A drain hook and the time it asked for. */
export interface DrainHook {
  readonly fn: (signal: AbortSignal) => Awaitable<void>;
  /** `undefined`: the agent's default. */
  readonly deadlineMs: number | undefined;
}

/** Implements `ctx.hooks`. */
export class PluginHooks implements Hooks {
  readonly start: ((signal: AbortSignal) => Awaitable<void>)[] = [];
  readonly ready: (() => Awaitable<void>)[] = [];
  readonly stopping: ((reason: string) => void)[] = [];
  readonly drain: DrainHook[] = [];
  readonly #options: { assertOpen(wanted: string): void; onShutdown(fn: () => Awaitable<void>): void };

  /** @param options `onShutdown` keeps a hook with the scope, so that it runs newest first among the resources. */
  constructor(options: { assertOpen(wanted: string): void; onShutdown(fn: () => Awaitable<void>): void }) {
    this.#options = options;
  }

  onStart(fn: (signal: AbortSignal) => Awaitable<void>): void {
    this.#options.assertOpen("add a start hook");
    this.start.push(fn);
  }
  onReady(fn: () => Awaitable<void>): void {
    this.#options.assertOpen("add a ready hook");
    this.ready.push(fn);
  }
  onStopping(fn: (reason: string) => void): void {
    this.#options.assertOpen("add a stopping hook");
    this.stopping.push(fn);
  }
  onDrain(fn: (signal: AbortSignal) => Awaitable<void>, options: { readonly deadlineMs?: number } = {}): void {
    this.#options.assertOpen("add a drain hook");
    this.drain.push({
      fn,
      // Asked when it is needed: it may follow a setting that changes in place.
      get deadlineMs() {
        return options.deadlineMs;
      },
    });
  }
  onShutdown(fn: () => Awaitable<void>): void {
    this.#options.onShutdown(fn);
  }

  /** Longest drain deadline that was declared, in milliseconds; 0 when none was. */
  get declaredDrainMs(): number {
    return Math.max(0, ...this.drain.map((hook) => hook.deadlineMs ?? 0));
  }
}
