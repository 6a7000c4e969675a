/**
 * Whether an agent that ended is started again, and when.
 *
 * @module
 */
import { Backoff, type BackoffOptions } from "../rpc/backoff.ts";
import type { End } from "./wait_status.ts";

/** Pauses before a restart, in milliseconds: at once for a single mishap, and no load when every start fails. */
const PAUSES: BackoffOptions = { floorMs: 1000, ceilingMs: 60_000 };
/** An agent that lived this long was well: the pauses begin with the shortest again. In milliseconds. */
const WELL_AFTER_MS = 5 * 60_000;
/** Exit codes that another start would not change: asked to end, and wrong usage or configuration. */
const FINAL_CODES: readonly number[] = [0, 2];

/** Counts crashes. */
export class Restarts {
  readonly #backoff: Backoff;

  /** @param random 0 to 1, for the jitter. Default: random. */
  constructor(random?: () => number) {
    this.#backoff = new Backoff({ ...PAUSES, random });
  }

  /** Milliseconds until the next start, or `undefined` when there is none. */
  pauseAfter(end: End, livedMs: number): number | undefined {
    if ("code" in end && FINAL_CODES.includes(end.code)) return undefined;
    if (livedMs >= WELL_AFTER_MS) this.#backoff.reset();
    return Math.round(this.#backoff.next());
  }
}
