/**
 * Runs what belongs to the agent's start and end, and enters the states around it.
 *
 * @module
 */
import { aborted } from "../../core/aborted.ts";
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger } from "../../core/plugin.ts";
import { LifecycleHistory, type LifecycleState } from "./lifecycle_history.ts";
import type { LifecycleReports, LifecycleWork, Manifest, WorkOutcome } from "./service.ts";

/** Implements {@linkcode LifecycleReports}. */
export class LifecycleDriver implements LifecycleReports {
  readonly history: LifecycleHistory = new LifecycleHistory();
  readonly #work = new Set<LifecycleWork>();
  #starting: Promise<void> | undefined;
  /** Whether reports can arrive now. */
  isConnected = false;

  /** @param options `signal` ends start work: the agent stops. */
  constructor(readonly options: { readonly clock: Clock; readonly log: Logger; readonly signal: AbortSignal }) {}

  add(work: LifecycleWork, signal: AbortSignal): void {
    this.#work.add(work);
    signal.addEventListener("abort", () => this.#work.delete(work), { once: true });
  }

  /** The first manifest came: STARTING, the start work, and how it went. Later calls do nothing. */
  begin(manifest: Manifest): Promise<void> {
    this.#starting ??= this.#start(manifest);
    return this.#starting;
  }

  /** A stop was decided. Says so, if the control plane ever heard of a start. */
  stopping(): void {
    if (this.#starting !== undefined) this.enter("shutting_down");
  }

  /** Runs the stop work and enters the last state: at the latest when `signal` aborts. Never rejects. */
  async end(signal: AbortSignal): Promise<void> {
    if (this.#starting === undefined) return;
    const late = aborted(signal).then(() => "timeout" as const);
    const outcome = await Promise.race([this.#runAll((work) => work.stop?.(signal)), late]);
    this.enter(({ ok: "off", timeout: "shutdown_timeout", error: "shutdown_error" } as const)[outcome]);
  }

  /**
   * Resolves when everything that has to arrive has arrived: the states, and the last words of the work. At the latest when
   * `signal` aborts. Never rejects.
   */
  async lastWords(signal: AbortSignal): Promise<void> {
    if (this.#starting === undefined) return;
    await Promise.race([this.#lastWords(signal), aborted(signal)]);
  }

  async #lastWords(signal: AbortSignal): Promise<void> {
    const words = [...this.#work].map(async (work) => await work.lastWords?.(signal));
    for (const outcome of await Promise.allSettled([this.settled(signal), ...words])) {
      if (outcome.status === "rejected" && !signal.aborted) {
        this.options.log.warn("last words not said", { error: messageOf(outcome.reason) });
      }
    }
  }

  /** Resolves when every state has arrived, or cannot arrive any more because the connection is gone. */
  async settled(signal: AbortSignal): Promise<void> {
    const isSettled = () => this.history.unsent === undefined || !this.isConnected;
    if (isSettled()) return;
    for await (const _ of this.history.changes.watch(signal)) if (isSettled()) return;
  }

  /** Enters a state; one that comes too late is refused and logged. */
  enter(state: LifecycleState): void {
    if (!this.history.enter(state, this.options.clock.now())) {
      this.options.log.warn("lifecycle state refused", { state, present: this.history.state });
    }
  }

  async #start(manifest: Manifest): Promise<void> {
    this.enter("starting");
    const outcome = await this.#runAll((work) => work.start?.(manifest, this.options.signal));
    if (this.history.state !== "starting") return; // The agent stops meanwhile; the start does not count any more.
    this.enter(({ ok: "ready", timeout: "start_timeout", error: "start_error" } as const)[outcome]);
  }

  async #runAll(run: (work: LifecycleWork) => Promise<WorkOutcome> | undefined): Promise<WorkOutcome> {
    const outcomes = await Promise.all([...this.#work].map(async (work) => {
      try {
        return await run(work) ?? "ok";
      } catch (error) {
        this.options.log.error("lifecycle work failed", { error: error instanceof Error ? error : String(error) });
        return "error";
      }
    }));
    if (outcomes.includes("timeout")) return "timeout";
    return outcomes.includes("error") ? "error" : "ok";
  }
}
