/**
 * Hands the head of the chain to the control plane, where whoever may write the files cannot.
 *
 * @module
 */
import type { Clock } from "@outpost/agent";
import type { AuditRecord } from "./chain.ts";

/** What {@linkcode HeadAnchor} works with. */
export interface HeadAnchorWork {
  readonly clock: Clock;
  /** The latest record. */
  readonly head: () => AuditRecord | undefined;
  /** Time between two heads that are handed over, in milliseconds. Asked each time. */
  readonly everyMs: () => number;
}

/** Hands one record over. Resolves with whether the control plane takes more. */
export type Send = (head: AuditRecord) => Promise<boolean>;

/** Knows which head was handed over last. */
export class HeadAnchor {
  readonly #work: HeadAnchorWork;
  #anchored: AuditRecord | undefined;
  /** Ends the present wait; present while connected. */
  #hurry: (() => void) | undefined;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(work: HeadAnchorWork) {
    this.#work = work;
  }

  /** The record that was handed over last. */
  get anchored(): AuditRecord | undefined {
    return this.#anchored;
  }

  /** Hands each new head over until `signal` aborts, which is how a connection ends, or the control plane wants no more. */
  async serve(send: Send, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const head = this.#work.head();
        if (head !== undefined && head !== this.#anchored) {
          if (!await send(head)) return;
          this.#anchored = head;
          this.#tell();
        }
        await this.#wait(signal);
      }
    } finally {
      this.#hurry = undefined;
      this.#tell();
    }
  }

  /** Resolves when the head is handed over, when there is no connection to do it, or when `signal` aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    while (this.#hurry !== undefined && this.#anchored !== this.#work.head() && !signal.aborted) {
      this.#hurry();
      await Promise.race([this.#changed.promise, aborted]);
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const hurry = new AbortController();
    this.#hurry = () => hurry.abort();
    const { clock, everyMs } = this.#work;
    await clock.sleep(everyMs(), AbortSignal.any([signal, hurry.signal])).catch(() => {}); // The loop asks why.
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
