/**
 * The process of an attached plugin, from its start to its end.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { Child, Clock, ExitStatus } from "../plugin.ts";
import { AttachedPluginError } from "./attached_error.ts";
import { type LineGate, logOutput } from "./program_output.ts";

/** Time to end after it was told to stop, in milliseconds. With the next one, less than the deadline of a stop. */
const STOP_MS = 1500;
/** Time to end after SIGTERM, in milliseconds. */
const TERM_MS = 2000;
/** Time for the last output of a process that has ended, in milliseconds: what it started may hold the pipe. */
const LAST_WORDS_MS = 500;

/** A running program. */
export class Program {
  readonly exited: Promise<ExitStatus>;
  readonly #child: Child;
  readonly #clock: Clock;
  readonly #ending = new AbortController();
  readonly #output: Promise<void>;
  #ended: Promise<void> | undefined;

  constructor(child: Child, options: { readonly clock: Clock; readonly gate: LineGate }) {
    this.#child = child;
    this.#clock = options.clock;
    this.exited = child.exited;
    this.#output = logOutput(child.output, options.gate, { clock: options.clock, signal: this.#ending.signal });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Whether {@linkcode Program.end} was called: an exit is then no surprise. */
  get isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Asks with `ask`, then with SIGTERM, then ends it and everything it started. Twice is once. */
  end(ask: () => Promise<void>): Promise<void> {
    return this.#ended ??= this.#end(ask);
  }

  async #end(ask: () => Promise<void>): Promise<void> {
    this.#ending.abort(new Error("the plugin stops"));
    void ask();
    if (!await this.#within(STOP_MS, this.exited)) {
      this.#child.kill("SIGTERM");
      await this.#within(TERM_MS, this.exited);
    }
    await this.#child.killTree();
    await this.exited;
    await this.#within(LAST_WORDS_MS, this.#output);
  }

  async #within(ms: number, work: Promise<unknown>): Promise<boolean> {
    const done = new AbortController();
    const late = this.#clock.sleep(ms, done.signal).then(() => false, () => false); // Aborted: the work was in time.
    const inTime = await Promise.race([work.then(() => true), late]);
    done.abort();
    return inTime;
  }
}

/** How a process ended, for people. */
export function describeExit({ code, signal }: ExitStatus): string {
  return signal === null ? `it exited with ${code}` : `it was ended by ${signal}`;
}

/** Why a program could not be started. Trying again may help where something is only missing for a while. */
export function startError(error: unknown): AttachedPluginError {
  return new AttachedPluginError(messageOf(error), { cause: error });
}
