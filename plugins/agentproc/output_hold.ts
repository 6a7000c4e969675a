/**
 * Letting a process wait for those who read its output, so that none of it is lost.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import type { Clock } from "../../core/plugin.ts";
import type { OutputLog } from "./output_log.ts";

/** What {@linkcode OutputHold} is made from. */
export interface OutputHoldOptions {
  readonly clock: Clock;
  /** Milliseconds that the process waits for a reader when none is there. */
  readonly graceMs: number;
}

/** Places of one reader in the streams it reads; the reader moves them itself. */
export type ReaderPlace = ReadonlyMap<OutputLog, number>;

/** A reader that a process waits for. Disposing it ends that. */
export interface HeldReader extends Disposable {
  /** To be called after each step, with the new offset. */
  moved(log: OutputLog, offset: number): void;
}

/**
 * Share of a log that may be ahead of the slowest reader. What is left keeps bytes that were sent and may still be under way,
 * for a reader that lost its connection and comes back with its last position.
 */
const UNREAD_SHARE = 0.5;

/**
 * Says how much of a process's output may be taken from its pipe: as much as its readers are not behind by more than half of
 * what is kept.
 *
 * The slowest reader decides. When there is none, yet or any more, the process waits as long as the grace time for the next
 * one, and then runs on as if it had never waited, until another reader comes: no process may hang for a client that died.
 */
export class OutputHold {
  readonly #options: OutputHoldOptions;
  readonly #readers = new Set<Map<OutputLog, number>>();
  /** Where the last reader stood. */
  #left: ReaderPlace = new Map();
  #aloneSince: number;
  #released = false;
  #moved = Promise.withResolvers<void>();

  constructor(options: OutputHoldOptions) {
    this.#options = options;
    this.#aloneSince = elapsedOn(options.clock);
  }

  /** Lets the process wait for a reader that stands at `place`. */
  attach(place: ReaderPlace): HeldReader {
    const at = new Map(place);
    this.#readers.add(at);
    this.#wake();
    return {
      moved: (log, offset) => {
        at.set(log, offset);
        this.#wake();
      },
      [Symbol.dispose]: () => {
        if (!this.#readers.delete(at)) return;
        this.#left = at;
        this.#aloneSince = elapsedOn(this.#options.clock);
        this.#wake();
      },
    };
  }

  /** Writes all of `bytes`, as the readers make room for it. Never rejects. */
  async write(log: OutputLog, bytes: Uint8Array, take: (part: Uint8Array) => void): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      const room = this.#room(log);
      if (room <= 0) {
        await this.#change();
        continue;
      }
      take(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
  }

  /** Never waits again: the process is being closed. */
  release(): void {
    this.#released = true;
    this.#wake();
  }

  #room(log: OutputLog): number {
    if (this.#released || (this.#readers.size === 0 && this.#graceLeftMs() <= 0)) return Infinity;
    const places = this.#readers.size === 0 ? [this.#left] : [...this.#readers];
    // A place beyond the end is one in the future: that reader is not behind.
    const slowest = Math.min(log.end, ...places.map((place) => place.get(log) ?? 0));
    return Math.floor(log.maxBytes * UNREAD_SHARE) - (log.end - slowest);
  }

  #graceLeftMs(): number {
    return this.#aloneSince + this.#options.graceMs - elapsedOn(this.#options.clock);
  }

  /** Resolves when a reader came, moved or left, or when the grace time is over. */
  async #change(): Promise<void> {
    const moved = this.#moved.promise;
    if (this.#readers.size > 0) return await moved;
    const over = new AbortController();
    // Aborted means that something else happened first, which is what was waited for.
    const grace = this.#options.clock.sleep(this.#graceLeftMs(), over.signal).catch(() => {});
    await Promise.race([moved, grace]);
    over.abort();
  }

  #wake(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }
}
