/**
 * Reports of how scripts went, on their way to the control plane.
 *
 * @module
 */
import { Deadline } from "../../core/deadline.ts";
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, Rpc } from "../../core/plugin.ts";
import type { ScriptEnd } from "./script_run.ts";
import type { Stage } from "./script_runner.ts";

/** Time one report may take, in milliseconds. */
const REPORT_MS = 30_000;

/** Sends reports beside everything else. One that fails is not sent again: the control plane only counts with them. */
export class CompletionReports {
  readonly #pending = new Set<Promise<void>>();

  constructor(readonly options: { readonly rpc: Rpc; readonly clock: Clock; readonly log: Logger }) {}

  /** Begins to send. */
  send(scriptId: string, stage: Stage, end: ScriptEnd): void {
    const sending = this.#send(scriptId, stage, end).finally(() => this.#pending.delete(sending));
    this.#pending.add(sending);
  }

  /** Resolves when every report of now has arrived or failed. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #send(scriptId: string, stage: Stage, end: ScriptEnd): Promise<void> {
    const { rpc, clock, log } = this.options;
    try {
      await new Deadline(clock, REPORT_MS).run("report of a script", async (signal) => {
        const { reportCompletion } = await import("./routines.ts");
        await reportCompletion(rpc, { scriptId, stage, end, signal });
      });
    } catch (error) {
      log.warn("script completion not reported", { script: scriptId, stage, error: messageOf(error) });
    }
  }
}
