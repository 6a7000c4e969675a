/**
 * What a road of the core may do beyond the contract, to make a plugin of something that is none: a program of its own.
 *
 * Plugins do not find it in their context: the key is known to the core alone.
 *
 * @module
 */
import type { PluginPhase } from "./errors.ts";
import type { Child, SpawnOptions, Variables } from "./plugin.ts";

/** Key of {@linkcode RoadContext} in a context. */
export const ROAD: unique symbol = Symbol("outpost.road");

/** Time for each step of a plugin's life, in milliseconds. */
export interface StepDeadlines {
  readonly setupMs: number;
  readonly startMs: number;
  readonly readyMs: number;
  readonly drainMs: number;
  readonly stopMs: number;
}

/** Bound to one life of one plugin, as the context is. */
export interface RoadContext {
  /** What the agent gives each step of a plugin, in milliseconds. */
  readonly deadlines: StepDeadlines;
  /** Ends the running plugin as failed: its dependents stop, its failure policy applies. */
  fail(error: unknown): void;
  /** Counts and logs an error that left the plugin's code. */
  charge(error: unknown, phase: PluginPhase): void;
  /** Counts an error that was logged already. */
  count(phase: PluginPhase): void;
  /** Reserves a metric's full name. @throws {TypeError} When another plugin has it. */
  claimMetric(name: string): void;
  /** Adds text exposition at each scrape. `read` sees to names and form; a throw leaves the plugin out of that scrape. */
  addMetrics(read: () => Promise<string>): void;
  /** Makes a unary call to the control plane by its path, with the request as it travels. @throws {RpcUnavailableError} */
  call(path: string, request: Uint8Array): Promise<Uint8Array>;
  /** Starts a child of the plugin that sees exactly `variables`, and nothing of the agent's environment. */
  spawn(options: SpawnOptions, variables: Variables): Promise<Child>;
}

/** The road of a context that the core made. */
export function roadOf(ctx: object): RoadContext {
  return (ctx as { readonly [ROAD]: RoadContext })[ROAD];
}
