/**
 * Who may use the desktop's mouse and keyboard now: agents, until a person does.
 *
 * A person takes it by touching it and never has to ask. Each change of hands begins a new epoch, so that what an agent decided
 * by an older picture of the screen can be told from what it decided by the present one.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import type { Clock } from "../../core/plugin.ts";

/** Why the desktop went to a person: it sent input, or pressed the button of the viewer page. */
export const TAKINGS = ["input", "request"] as const;
/** Why it went back: somebody said so, or the person did nothing for a while. */
export const HAND_BACKS = ["request", "idle", "ended"] as const;

/** A person who holds the desktop. */
export interface Holder {
  /** Name of the viewer, or of whoever asked. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** When the hold ends unless there is more input, in milliseconds since the epoch. */
  readonly until: number;
}

/** How things stand. */
export interface LeaseState {
  /** Counts changes of hands. */
  readonly epoch: number;
  /** Absent while agents may act. */
  readonly holder?: Holder;
}

/** A change of hands. */
export type LeaseChange =
  | { readonly to: "person"; readonly how: (typeof TAKINGS)[number]; readonly name: string }
  | {
    readonly to: "agent";
    readonly how: (typeof HAND_BACKS)[number];
    readonly name: string;
    /** What the person leaves to be known. */
    readonly note: string;
    readonly heldMs: number;
  };

/** An agent's input was refused, or stopped half way, because a person holds the desktop. */
export class DesktopHeldError extends Error {
  override readonly name = "DesktopHeldError";
  readonly code = "desktop_held";

  constructor(readonly state: LeaseState & { readonly holder: Holder }) {
    const { name, until } = state.holder;
    super(`${name} holds the desktop until ${new Date(until).toISOString()}, and longer while there is input`);
  }
}

/** An agent's input was refused because it was decided before a person used the desktop. */
export class StaleEpochError extends Error {
  override readonly name = "StaleEpochError";
  readonly code = "desktop_stale_epoch";

  constructor(readonly epoch: number, readonly current: number) {
    super(
      `A person has used the desktop since: this input belongs to epoch ${epoch}, now is ${current}. ` +
        "Take a screenshot and decide again",
    );
  }
}

/** What a lease works with. */
export interface LeaseWork {
  readonly clock: Clock;
  /** Milliseconds without input after which a person's hold ends. */
  readonly handBackMs: number;
  /** Told each change, after it. */
  readonly onChange: (change: LeaseChange, state: LeaseState) => void;
}

/** The lease of one desktop. */
export class Lease {
  readonly #work: LeaseWork;
  #epoch = 1;
  /** `begunAt` and `lastInputAt` go by what has passed, so that setting the machine's clock neither ends a hold nor makes it last. */
  #held:
    | { readonly name: string; readonly since: number; readonly begunAt: number; readonly lastInputAt: number }
    | undefined;
  /** Aborted when a person takes the desktop. */
  #agents = new AbortController();
  #idle = new AbortController();
  #changed = Promise.withResolvers<void>();

  constructor(work: LeaseWork) {
    this.#work = work;
  }

  /** How things stand. */
  get state(): LeaseState {
    const held = this.#held;
    if (held === undefined) return { epoch: this.#epoch };
    const { name, since } = held;
    return {
      epoch: this.#epoch,
      holder: { name, since, until: this.#work.clock.now() + this.#left(held.lastInputAt) },
    };
  }

  /** Resolves at the next change of hands. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /**
   * A person uses the desktop, or goes on using it. Never refused: of two persons, the one who used it last holds it, and
   * that is no change of hands.
   *
   * @returns Whether the desktop changed hands.
   */
  take(name: string, how: (typeof TAKINGS)[number]): boolean {
    const { clock } = this.#work;
    const now = elapsedOn(clock);
    const held = this.#held;
    this.#held = { name, since: held?.since ?? clock.now(), begunAt: held?.begunAt ?? now, lastInputAt: now };
    if (held !== undefined) return false;
    this.#epoch++;
    this.#agents.abort(new DesktopHeldError(this.state as LeaseState & { holder: Holder }));
    void this.#watchIdle();
    this.#tell({ to: "person", how, name });
    return true;
  }

  /** Gives the desktop back to the agents. Returns `false` when they had it. */
  handBack(how: (typeof HAND_BACKS)[number], note = ""): boolean {
    const held = this.#held;
    if (held === undefined) return false;
    this.#held = undefined;
    this.#idle.abort();
    this.#epoch++;
    this.#agents = new AbortController();
    this.#tell({ to: "agent", how, name: held.name, note, heldMs: elapsedOn(this.#work.clock) - held.begunAt });
    return true;
  }

  /**
   * Lets an agent's input pass.
   *
   * @param epoch The one by whose picture the input was decided, if that is known.
   * @returns Aborts, with a {@linkcode DesktopHeldError}, when a person takes the desktop.
   * @throws {DesktopHeldError} @throws {StaleEpochError}
   */
  admit(epoch: number | undefined): AbortSignal {
    const { holder } = this.state;
    if (holder !== undefined) throw new DesktopHeldError({ epoch: this.#epoch, holder });
    if (epoch !== undefined && epoch !== this.#epoch) throw new StaleEpochError(epoch, this.#epoch);
    return this.#agents.signal;
  }

  /** Ends what runs in the background. */
  close(): void {
    this.#idle.abort();
  }

  /** Milliseconds until the hold ends. */
  #left(lastInputAt: number): number {
    return lastInputAt + this.#work.handBackMs - elapsedOn(this.#work.clock);
  }

  #tell(change: LeaseChange): void {
    this.#work.onChange(change, this.state);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #watchIdle(): Promise<void> {
    const { clock } = this.#work;
    const idle = this.#idle = new AbortController();
    try {
      while (this.#held !== undefined) {
        const left = this.#left(this.#held.lastInputAt);
        if (left <= 0) return void this.handBack("idle");
        await clock.sleep(left, idle.signal);
      }
    } catch {
      // Handed back, or closed.
    }
  }
}
