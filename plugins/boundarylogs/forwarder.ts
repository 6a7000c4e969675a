/**
 * Hands batches to the control plane, one at a time, in the order they came.
 *
 * @module
 */
import { messageOf, RpcUnavailableError } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import type { ReportBoundaryLogsRequest } from "../../core/proto/gen/agent_pb.ts";
import type { BatchStore, TakenBatch } from "./batch_store.ts";
import type { BoundaryMetrics } from "./boundary_metrics.ts";

/** Sends one batch. Rejects when the control plane did not take it. */
export type SendBatch = (request: ReportBoundaryLogsRequest) => Promise<void>;

/** What {@linkcode Forwarder} takes. */
export interface ForwarderOptions {
  readonly store: BatchStore;
  readonly log: Logger;
  readonly metrics: BoundaryMetrics;
}

/**
 * Times a batch is sent again when the connection breaks before the answer, with a journal; then it is given up, in case the batch itself
 * is what breaks the connection.
 */
const MAX_RETRIES = 2;

/**
 * Runs once per connection to the control plane. A batch the control plane refuses is lost, and counted. One whose connection breaks is
 * lost too, unless there is a journal: then it is kept for the next connection.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #waiting = new Set<() => void>();
  #isRunning = false;
  #isSending = false;
  #retries = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /**
   * Forwards until `signal` is aborted.
   *
   * @throws {RpcUnavailableError} With a journal, when the control plane cannot be asked; the batch was kept.
   */
  async run(send: SendBatch, signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    this.#isRunning = true;
    try {
      while (!signal.aborted) {
        this.#isSending = true;
        const taken = await store.take();
        if (taken !== undefined) {
          await this.#forward(taken, send, signal);
          continue;
        }
        this.#isSending = false;
        this.#wake();
        await store.arrival(signal);
      }
    } finally {
      this.#isRunning = this.#isSending = false;
      this.#wake();
    }
  }

  /** Whether there is a connection to forward over. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Resolves when nothing waits that could be sent now: all is forwarded, or there is no connection, or `signal` is aborted. */
  async settled(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#isRunning && (this.#isSending || this.#options.store.inMemory > 0)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  /** Resolves when {@linkcode run} has returned, if it was called. */
  async ended(): Promise<void> {
    while (this.#isRunning) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  async #forward(taken: TakenBatch, send: SendBatch, signal: AbortSignal): Promise<void> {
    const { log, metrics, store } = this.#options;
    const entries = taken.request.logs.length;
    try {
      await send(taken.request);
      metrics.forwarded.inc();
    } catch (error) {
      const isCut = signal.aborted || error instanceof RpcUnavailableError;
      if (store.hasJournal && isCut && this.#retries < MAX_RETRIES) {
        // Only what was under way can have broken the connection; an agent that stops has not tried in earnest.
        if (error instanceof RpcUnavailableError && error.reason === "lost") this.#retries++;
        store.restore(taken);
        if (signal.aborted) return;
        throw error;
      }
      metrics.dropped("forward_failed", entries);
      log.warn("boundary logs were not forwarded", { entries, error: messageOf(error) });
    }
    this.#retries = 0;
    await store.finish(taken);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
