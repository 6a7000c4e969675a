/**
 * The scripts of a manifest: those of the start, those of the end, and those that repeat.
 *
 * @module
 */
import type { Clock, Logger } from "../../core/plugin.ts";
import type { Manifest, ManifestScript, WorkOutcome } from "../controlplane/service.ts";
import type { ScriptEnd } from "./script_run.ts";

/** When a script ran. */
export type Stage = "start" | "stop" | "cron";
/** Runs one script and tells how it went; it has to end when `limit` aborts. Must not reject. */
export type RunOne = (script: ManifestScript, stage: Stage, limit?: AbortSignal) => Promise<ScriptEnd>;
/** The next time after `from` that a cron expression means, in milliseconds since the epoch; `undefined` for never. */
export type NextTime = (cron: string, fromMs: number) => number | undefined;

/** Longest time between two looks at the machine's clock while a time is waited for, in milliseconds. */
const LOOK_AGAIN_MS = 60_000;

const BELONGS: Readonly<Record<"start" | "stop", (script: ManifestScript) => boolean>> = {
  start: (script) => script.runOnStart,
  stop: (script) => script.runOnStop,
};

/** Decides which scripts run when. */
export class ScriptRunner {
  #manifest: Manifest | undefined;

  constructor(readonly options: { readonly clock: Clock; readonly log: Logger; readonly runOne: RunOne }) {}

  /** Runs the start scripts of the first manifest, all at once, and waits for all. */
  start(manifest: Manifest): Promise<WorkOutcome> {
    this.#manifest = manifest;
    return this.#runStage("start");
  }

  /** Runs the stop scripts, all at once, and waits for all, but no longer than until `limit` aborts. */
  async stop(limit: AbortSignal): Promise<WorkOutcome> {
    using late = new DisposableStack();
    const over = new Promise<"timeout">((resolve) => {
      const giveUp = () => resolve("timeout");
      limit.addEventListener("abort", giveUp, { once: true });
      late.defer(() => limit.removeEventListener("abort", giveUp));
    });
    return await Promise.race([this.#runStage("stop", limit), over]);
  }

  /** Runs one script again and again at its times until `signal` aborts; never twice at once. */
  async repeat(script: ManifestScript, next: NextTime, signal: AbortSignal): Promise<void> {
    const { clock, runOne } = this.options;
    while (!signal.aborted) {
      const at = next(script.cron, clock.now());
      if (at === undefined) return;
      // In parts: the machine's clock may be set meanwhile, and a sleep that ends early must not make the same time come twice.
      for (let left = at - clock.now(); left > 0; left = at - clock.now()) {
        await clock.sleep(Math.min(left, LOOK_AGAIN_MS), signal);
      }
      signal.throwIfAborted();
      await runOne(script, "cron");
    }
  }

  async #runStage(stage: "start" | "stop", limit?: AbortSignal): Promise<WorkOutcome> {
    const scripts = this.#manifest?.scripts.filter(BELONGS[stage]) ?? [];
    const ends = await Promise.all(scripts.map((script) => this.#runOne(script, stage, limit)));
    if (ends.some(({ status }) => status === "timed_out")) return "timeout";
    return ends.every(({ status }) => status === "ok") ? "ok" : "error";
  }

  async #runOne(script: ManifestScript, stage: "start" | "stop", limit?: AbortSignal): Promise<ScriptEnd> {
    const { log, runOne } = this.options;
    const what = `${stage} script "${script.displayName || script.id}"`;
    const tell = () => log.warn("did not finish", { phase: "drain", what });
    limit?.addEventListener("abort", tell, { once: true });
    try {
      return await runOne(script, stage, limit);
    } finally {
      limit?.removeEventListener("abort", tell);
    }
  }
}
