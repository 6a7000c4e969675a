/**
 * Hands batches to the control plane, one at a time, in the order they came.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import type { ReportBoundaryLogsRequest } from "../../core/proto/gen/agent_pb.ts";
import type { BatchQueue } from "./batch_queue.ts";
import type { BoundaryMetrics } from "./boundary_metrics.ts";

/** Sends one batch. Rejects when the control plane did not take it. */
export type SendBatch = (request: ReportBoundaryLogsRequest) => Promise<void>;

/** What {@linkcode Forwarder} takes. */
export interface ForwarderOptions {
  readonly queue: BatchQueue<ReportBoundaryLogsRequest>;
  readonly log: Logger;
  readonly metrics: BoundaryMetrics;
}

/** Runs once per connection to the control plane. A batch the control plane does not take is lost, and counted. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #waiting = new Set<() => void>();
  #isRunning = false;
  #isSending = false;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** Forwards until `signal` is aborted. Never rejects. */
  async run(send: SendBatch, signal: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    this.#isRunning = true;
    try {
      while (!signal.aborted) {
        const request = queue.take();
        if (request === undefined) {
          this.#wake();
          await queue.arrival(signal);
          continue;
        }
        this.#isSending = true;
        await this.#forward(request, send);
        this.#isSending = false;
      }
    } finally {
      this.#isRunning = false;
      this.#wake();
    }
  }

  /** Resolves when nothing waits that could be sent now: all is forwarded, or there is no connection, or `signal` is aborted. */
  async settled(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#isRunning && (this.#isSending || this.#options.queue.size > 0)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  async #forward(request: ReportBoundaryLogsRequest, send: SendBatch): Promise<void> {
    const { log, metrics } = this.#options;
    try {
      await send(request);
      metrics.forwarded.inc();
    } catch (error) {
      metrics.dropped("forward_failed", request.logs.length);
      log.warn("boundary logs were not forwarded", { entries: request.logs.length, error: messageOf(error) });
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
