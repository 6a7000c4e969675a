/**
 * Where batches wait: in memory, and on disk when there is a journal.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import type { ReportBoundaryLogsRequest } from "../../core/proto/gen/agent_pb.ts";
import { BatchQueue } from "./batch_queue.ts";
import type { BoundaryMetrics } from "./boundary_metrics.ts";
import type { Journal } from "./journal.ts";

/** A batch on its way. */
export interface TakenBatch {
  readonly request: ReportBoundaryLogsRequest;
  readonly from: "memory" | "journal";
}

/** What {@linkcode BatchStore} takes. */
export interface BatchStoreOptions {
  /** Most batches in memory. */
  readonly queuedBatches: number;
  /** Absent: what does not fit into memory is lost. */
  readonly journal?: Journal;
  readonly metrics: BoundaryMetrics;
  readonly log: Logger;
  /** Whether somebody takes batches now; if not, they go to the journal at once. */
  readonly isForwarding: () => boolean;
}

/**
 * Keeps the order: what is in memory is always older than what is in the journal, because memory is used only while the journal is
 * empty.
 */
export class BatchStore {
  readonly #options: BatchStoreOptions;
  readonly #queue: BatchQueue<ReportBoundaryLogsRequest>;
  /** Batches on their way to the journal. */
  #writing = 0;

  constructor(options: BatchStoreOptions) {
    this.#options = options;
    this.#queue = new BatchQueue(options.queuedBatches);
  }

  /** Whether batches survive a lost connection. */
  get hasJournal(): boolean {
    return this.#options.journal !== undefined;
  }

  /** Batches in memory. */
  get inMemory(): number {
    return this.#queue.size;
  }

  /** Takes a batch in, or loses and counts it. A promise is returned when it goes to disk. */
  put(request: ReportBoundaryLogsRequest): Promise<void> | void {
    const { journal, isForwarding } = this.#options;
    const isMemoryNext = journal === undefined || (isForwarding() && journal.isEmpty && this.#writing === 0);
    if (isMemoryNext && this.#queue.offer(request)) return;
    if (journal === undefined) return this.#lose(request);
    return this.#spill(journal, request);
  }

  /** The oldest batch; call {@linkcode finish} or {@linkcode restore} with it before the next. */
  async take(): Promise<TakenBatch | undefined> {
    const request = this.#queue.take();
    if (request !== undefined) return { request, from: "memory" };
    const { journal, metrics, log } = this.#options;
    if (journal === undefined || journal.isEmpty) return undefined;
    try {
      const { decodeBatch } = await import("./batch_codec.ts");
      const bytes = await journal.read();
      return bytes === undefined ? undefined : { request: decodeBatch(bytes), from: "journal" };
    } catch (error) {
      // The rest of a file that cannot be read must not hold what is behind it.
      metrics.journalLosses.inc({ reason: "damaged" });
      log.warn("part of the boundary journal is lost", { error: messageOf(error) });
      await this.#attempt(() => journal.skipFirst());
      return await this.take();
    }
  }

  /** The batch was sent, or given up. */
  async finish({ from }: TakenBatch): Promise<void> {
    const { journal, metrics } = this.#options;
    if (from === "memory" || journal === undefined) return;
    metrics.replayed.inc();
    await this.#attempt(() => journal.advance());
  }

  /** The batch is to be sent later, before all others. */
  restore({ request, from }: TakenBatch): void {
    if (from === "memory") this.#queue.putBack(request);
  }

  /** Resolves when there is something to take, or when `signal` is aborted. */
  async arrival(signal: AbortSignal): Promise<void> {
    if (this.#options.journal?.isEmpty === false) return;
    await this.#queue.arrival(signal);
  }

  /** Ends: what is in memory goes to the journal. Returns what is lost. */
  async close(): Promise<readonly ReportBoundaryLogsRequest[]> {
    const left = this.#queue.clear();
    const { journal, log } = this.#options;
    if (journal === undefined) return left;
    try {
      if (left.length === 0) return left;
      const { encodeBatch } = await import("./batch_codec.ts");
      return left.slice(await journal.prepend(left.map(encodeBatch)));
    } catch (error) {
      log.warn("cannot write the boundary journal", { error: messageOf(error) });
      return left;
    } finally {
      await journal.close();
    }
  }

  /** A file that cannot be removed is a nuisance, and no reason to give up the connection to the control plane. */
  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn("cannot clean up the boundary journal", { error: messageOf(error) });
    }
  }

  async #spill(journal: Journal, request: ReportBoundaryLogsRequest): Promise<void> {
    const { metrics, log } = this.#options;
    this.#writing++;
    try {
      const { encodeBatch } = await import("./batch_codec.ts");
      if (await journal.append(encodeBatch(request))) {
        metrics.spilled.inc();
        this.#queue.wake();
        return;
      }
      metrics.journalLosses.inc({ reason: "full" });
    } catch (error) {
      metrics.journalLosses.inc({ reason: "write_failed" });
      log.warn("cannot write the boundary journal", { error: messageOf(error) });
    } finally {
      this.#writing--;
    }
    this.#lose(request);
  }

  #lose(request: ReportBoundaryLogsRequest): void {
    this.#options.metrics.dropped("buffer_full", request.logs.length);
  }
}
