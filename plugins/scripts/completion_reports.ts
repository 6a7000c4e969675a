/**
 * Reports of how scripts went, on their way to the control plane: in order, bounded, and kept while it is away.
 *
 * @module
 */
import { Deadline } from "../../core/deadline.ts";
import { messageOf, RpcUnavailableError } from "../../core/errors.ts";
import type { Clock, Logger } from "../../core/plugin.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import { Waiters } from "../../core/waiters.ts";
import type { ScriptEnd } from "./script_run.ts";
import type { Stage } from "./script_runner.ts";

/** Time the control plane has to answer one report, and the pause before the next try, in milliseconds. */
const ANSWER_MS = 30_000;
const PAUSE_MS = 1_000;
/** Tries of one report that nobody answers, over connections that hold: more than two minutes. */
const MAX_TRIES = 5;
/** Reports that wait, about 200 bytes each: three days of a script that runs every five minutes. */
const MAX_REPORTS = 1_000;

/** How one run of a script went. */
export interface CompletionReport {
  readonly scriptId: string;
  readonly stage: Stage;
  readonly end: ScriptEnd;
}
/** Sends one report. Resolves when the control plane has it. It is given up when `signal` aborts. */
export type SendReport = (report: CompletionReport, signal: AbortSignal) => Promise<void>;

/**
 * Holds the reports. One that has no answer is sent again: the control plane knows a run by its script and its start. One that it refuses is
 * not.
 */
export class CompletionReports {
  readonly #waiting: CompletionReport[] = [];
  readonly #added = new Waiters();
  readonly #changed = new Waiters();
  #isConnected = false;

  constructor(readonly options: { readonly clock: Clock; readonly log: Logger }) {}

  /** Adds a report. One too many is dropped with a warning. */
  add(report: CompletionReport): void {
    if (this.#waiting.length >= MAX_REPORTS) return this.#givenUp(report, `${MAX_REPORTS} reports wait already`);
    this.#waiting.push(report);
    this.#added.wake();
  }

  /**
   * Sends what waits until `signal` aborts; begin it with each connection.
   *
   * @throws {RpcUnavailableError} When the connection is gone. The report is kept for the next one.
   */
  async run(send: SendReport, signal: AbortSignal): Promise<void> {
    this.#isConnected = true;
    try {
      while (!signal.aborted) {
        const report = this.#waiting[0];
        if (report === undefined) await this.#added.wait(signal);
        else if (await this.#try(report, send, signal)) {
          this.#waiting.shift();
          this.#changed.wake();
        }
      }
    } finally {
      this.#isConnected = false;
      this.#changed.wake();
    }
  }

  /** Resolves when no report waits, or none can arrive because the connection is gone, or `signal` aborts. Never rejects. */
  async settled(signal: AbortSignal): Promise<void> {
    while (this.#waiting.length > 0 && this.#isConnected && !signal.aborted) await this.#changed.wait(signal);
  }

  /** Whether the report is done with: it has arrived, or is given up. */
  async #try(report: CompletionReport, send: SendReport, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.options;
    for (let count = 1;; count++) {
      try {
        await new Deadline(clock, ANSWER_MS).run("report of a script", (over) => send(report, over));
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        const isTooOld = error instanceof RpcUnavailableError && error.reason === "version";
        if (error instanceof RpcUnavailableError && !isTooOld) throw error;
        if (isTooOld || error instanceof RpcError || count >= MAX_TRIES) {
          this.#givenUp(report, messageOf(error));
          return true;
        }
      }
      if (!await clock.sleep(PAUSE_MS, signal).then(() => true, () => false)) return false;
    }
  }

  #givenUp({ scriptId, stage }: CompletionReport, error: string): void {
    this.options.log.warn("script completion not reported", { script: scriptId, stage, error });
  }
}
