/**
 * Work that runs for as long as the control plane is connected.
 *
 * @module
 */
import { RpcUnavailableError } from "../errors.ts";

/** How one run of a routine ended, as far as the connection is concerned. */
export type RoutineEnd = { readonly kind: "ended" | "failed" | "unsupported"; readonly error?: unknown };

/** What is run for each connection. */
export interface RoutineOptions {
  readonly name: string;
  /** `"drain"` ends it when the agent starts to stop; `"stop"` lets it go on until its plugin stops. */
  readonly until: "drain" | "stop";
  readonly work: (signal: AbortSignal) => Promise<void>;
  /** Ends the present run and prevents further ones. */
  readonly signal?: AbortSignal;
}

/** One routine. Runs follow each other: a new connection waits for the run of the last one to end. */
export class Routine {
  readonly name: string;
  readonly until: "drain" | "stop";
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #removed = new AbortController();
  readonly #ends: AbortSignal[];
  #last: Promise<void> = Promise.resolve();

  constructor(options: RoutineOptions) {
    this.name = options.name;
    this.until = options.until;
    this.#work = options.work;
    this.#ends = [this.#removed.signal, ...(options.signal === undefined ? [] : [options.signal])];
  }

  /** Runs the work once. Never rejects. */
  async run(ends: AbortSignal): Promise<RoutineEnd> {
    const before = this.#last;
    const done = Promise.withResolvers<void>();
    this.#last = done.promise;
    const signal = AbortSignal.any([ends, ...this.#ends]);
    try {
      await before;
      if (!signal.aborted) await this.#work(signal);
      return { kind: "ended" };
    } catch (error) {
      if (error instanceof RpcUnavailableError && error.reason === "version") return { kind: "unsupported", error };
      // A cancelled call may fail as cancelled or as ended, and other errors follow from that: only the own signal tells.
      return signal.aborted ? { kind: "ended", error } : { kind: "failed", error };
    } finally {
      done.resolve();
    }
  }

  /** Aborts the present run, prevents further ones, and waits for the end. */
  async remove(reason: unknown): Promise<void> {
    this.#removed.abort(reason);
    await this.#last;
  }

  /** Resolves when no run is under way. */
  get settled(): Promise<void> {
    return this.#last;
  }
}
