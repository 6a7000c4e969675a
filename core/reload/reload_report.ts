/**
 * What a reload did, entry by entry, and how it can fail.
 *
 * @module
 */
import type { ConfigProblem } from "../errors.ts";
import type { State } from "../lifecycle.ts";

/**
 * What happened to a plugin. `untouched`: nothing; `policy`: only what its failure means changed; `reconfigured`: it took its
 * settings in place; `restarted`, `started`, `stopped`: its life ended, or another began, or both.
 */
export type ReloadAction = "untouched" | "policy" | "reconfigured" | "restarted" | "started" | "stopped";

/** One plugin after a reload. */
export interface ReloadedPlugin {
  readonly id: string;
  readonly action: ReloadAction;
  /** Why it was touched. */
  readonly because?: string;
  /** Its state now; absent when the configuration does not name it any more. */
  readonly state?: State;
  /** Processes that ended with its old life. */
  readonly ended?: readonly string[];
  /** What its old life did not end in time, in words; it may still be at it, beside the new one. */
  readonly unfinished?: readonly string[];
}
/** One setting of the agent itself that is written differently. */
export interface ReloadedSetting {
  /** Such as `agent.listen.tcp`. */
  readonly path: string;
  /** Whether it is in force; otherwise it waits for the next start of the agent. */
  readonly inForce: boolean;
}
/** A reload that was carried out. */
export interface ReloadReport {
  /** In the order of the plan. */
  readonly plugins: readonly ReloadedPlugin[];
  readonly agent: readonly ReloadedSetting[];
}

/** Why a reload was not carried out: `reload_refused` before anything was touched, `reload_failed` after it was taken back. */
export type ReloadErrorCode = "reload_refused" | "reload_failed";

/** The configuration that was in force stays in force, or is in force again. */
export class ReloadError extends Error {
  override readonly name = "ReloadError";

  /** @param problems What stood in the way, by its path in the configuration. */
  constructor(
    readonly code: ReloadErrorCode,
    message: string,
    readonly problems: readonly ConfigProblem[],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
