/**
 * The life of a plugin as data: its states, the edges between them, and the machine that is the only way along them.
 *
 * @module
 */

/** States in the order a healthy life passes them, then the ends. */
export const STATES = [
  "registered",
  "disabled",
  "skipped",
  "planned",
  "settingUp",
  "prepared",
  "starting",
  "running",
  "degraded",
  "draining",
  "stopping",
  "stopped",
  "failed",
] as const;
/** Where a plugin is in its life. */
export type State = typeof STATES[number];

/** Allowed edges. Anything else is a bug in the driver. */
export const EDGES: Readonly<Record<State, readonly State[]>> = {
  registered: ["disabled", "skipped", "planned"],
  disabled: [],
  skipped: ["planned"],
  planned: ["settingUp", "skipped", "stopped"],
  settingUp: ["prepared", "failed"],
  prepared: ["starting", "stopping", "failed"],
  starting: ["running", "failed"],
  running: ["degraded", "draining", "failed"],
  degraded: ["degraded", "running", "draining", "failed"],
  draining: ["stopping", "failed"],
  stopping: ["stopped", "failed"],
  stopped: ["planned"],
  failed: ["planned"],
};

/** Whether the plugin serves requests in `state`. */
export function isServing(state: State): boolean {
  return state === "running" || state === "degraded";
}

/** Told about each step, after it was taken. `reason` is a setting, a cause, or a chain of dependencies. */
export type StateListener = (state: State, reason: string | undefined) => void;

/** One plugin's position. */
export class Lifecycle {
  #state: State = "registered";
  #reason: string | undefined;

  constructor(readonly plugin: string, readonly onStep: StateListener = () => {}) {}

  get state(): State {
    return this.#state;
  }
  /** Why the plugin is where it is; only set for states that need a reason. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** @throws {RangeError} If the edge is not allowed. */
  step(to: State, reason?: string): void {
    const allowed = EDGES[this.#state];
    if (!allowed.includes(to)) {
      throw new RangeError(
        `Cannot move plugin "${this.plugin}" from "${this.#state}" to "${to}": allowed is ${
          allowed.join(", ") || "nothing"
        }`,
      );
    }
    this.#state = to;
    this.#reason = reason;
    this.onStep(to, reason);
  }
}
