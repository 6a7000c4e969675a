/**
 * The agent's lifecycle as the control plane sees it: every state once, in order, also when it is away in between.
 *
 * @module
 */
import { LatestValue } from "../../core/latest_value.ts";

/** States in their order; the number on the wire is the position plus 1. */
export const LIFECYCLE_STATES = [
  "created",
  "starting",
  "start_timeout",
  "start_error",
  "ready",
  "shutting_down",
  "shutdown_timeout",
  "shutdown_error",
  "off",
] as const;
/** One of {@linkcode LIFECYCLE_STATES}. */
export type LifecycleState = typeof LIFECYCLE_STATES[number];

/** A state, and when it was entered. */
export interface LifecycleEntry {
  readonly state: LifecycleState;
  /** Milliseconds since the epoch. */
  readonly changedAtMs: number;
}

/** The states so far, and how many of them arrived. `created` is never sent. */
export class LifecycleHistory {
  readonly #entries: LifecycleEntry[] = [];
  #sent = 0;
  /** Changes with every new state, every report, and whatever else waiters should look at. */
  readonly changes: LatestValue<number> = new LatestValue();
  #change = 0;

  /** The state now. */
  get state(): LifecycleState {
    return this.#entries.at(-1)?.state ?? "created";
  }

  /** Enters a state. Returns `false`, and changes nothing, when it is not later in the order than the present one. */
  enter(state: LifecycleState, nowMs: number): boolean {
    if (LIFECYCLE_STATES.indexOf(state) <= LIFECYCLE_STATES.indexOf(this.state)) return false;
    this.#entries.push({ state, changedAtMs: nowMs });
    this.stir();
    return true;
  }

  /** The oldest state that has not arrived. */
  get unsent(): LifecycleEntry | undefined {
    return this.#entries[this.#sent];
  }

  /** The oldest unsent state has arrived. */
  arrived(): void {
    this.#sent++;
    this.stir();
  }

  /** Wakes whoever watches {@linkcode changes}. */
  stir(): void {
    this.changes.set(++this.#change);
  }
}
