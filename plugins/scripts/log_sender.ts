/**
 * Script output on its way to the control plane: per source, in order, in batches, and kept while it is away.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import type { Clock, Logger } from "../../core/plugin.ts";
import { Waiters } from "../../core/waiters.ts";
import { sanitize } from "./line_splitter.ts";

/** Levels of script output. */
export type LogLevel = "info" | "error";
/** One line. */
export interface ScriptLog {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly level: LogLevel;
  readonly output: string;
}
/** Sends one batch of one source. Resolves with whether the control plane wants no more. */
export type SendBatch = (sourceId: string, logs: readonly ScriptLog[]) => Promise<{ readonly limitExceeded: boolean }>;

/** Time lines of one source wait for company, in milliseconds, and how often that is looked at. */
const FLUSH_MS = 1000;
const LOOK_MS = 250;
/** Bytes of one request, and of all that waits: what the control plane takes for one agent. */
const MAX_BATCH_BYTES = 1024 * 1024;
const MAX_QUEUED_BYTES = 1024 * 1024;
/** Bytes a line costs beside its text. */
const LINE_OVERHEAD_BYTES = 21;

interface Queue {
  readonly logs: ScriptLog[];
  lastFlushMs: number;
  isWanted: boolean;
}

/** Holds the lines of all sources. */
export class LogSender {
  readonly #queues = new Map<string, Queue>();
  readonly #options: { readonly clock: Clock; readonly log: Logger };
  readonly #added = new Waiters();
  readonly #emptied = new Waiters();
  readonly #hurry = new AbortController();
  #queuedBytes = 0;
  #isOver = false;

  constructor(options: { readonly clock: Clock; readonly log: Logger }) {
    this.#options = options;
  }

  /** Adds lines. What does not fit is dropped with a warning; so is everything once the control plane wants no more. */
  enqueue(sourceId: string, logs: readonly ScriptLog[]): void {
    if (logs.length === 0) return;
    if (this.#isOver) return this.#dropped(sourceId, logs.length, "the control plane takes no more");
    const queue = this.#queues.get(sourceId) ?? { logs: [], lastFlushMs: -Infinity, isWanted: false };
    let [tooLong, tooMany] = [0, 0];
    for (const log of logs) {
      const line = { ...log, output: sanitize(log.output) };
      const bytes = bytesOf(line);
      // Looked at before adding, so that a little too much is sent on purpose: the control plane then marks what is missing.
      if (bytes > MAX_BATCH_BYTES) tooLong++;
      else if (this.#queuedBytes > MAX_QUEUED_BYTES) tooMany++;
      else {
        queue.logs.push(line);
        this.#queuedBytes += bytes;
      }
    }
    if (queue.logs.length > 0) {
      this.#queues.set(sourceId, queue);
      this.#added.wake();
    }
    if (tooLong > 0) this.#dropped(sourceId, tooLong, "the line is too long");
    if (tooMany > 0) this.#dropped(sourceId, tooMany, "too much is waiting");
  }

  /** Sends the lines of a source with the next look. */
  flush(sourceId: string): void {
    const queue = this.#queues.get(sourceId);
    if (queue !== undefined) queue.isWanted = true;
  }

  /** Sends what is due until `signal` aborts. A failed batch stays and is sent with the next connection. */
  async run(send: SendBatch, signal: AbortSignal): Promise<void> {
    const short = AbortSignal.any([signal, this.#hurry.signal]);
    while (!signal.aborted && !this.#isOver) {
      const due = this.#due();
      if (due !== undefined) {
        await this.#sendFrom(due[0], due[1], send);
        continue;
      }
      if (this.#queues.size === 0) await this.#added.wait(signal);
      await this.#options.clock.sleep(LOOK_MS, short).catch(() => signal.throwIfAborted());
    }
  }

  /** The last lines: from now on they leave at once, without company. Resolves when nothing waits, or `signal` aborts. */
  async untilEmpty(signal: AbortSignal): Promise<void> {
    this.#hurry.abort();
    while (this.#queues.size > 0 && !signal.aborted) await this.#emptied.wait(signal);
  }

  /** The source that waited longest, among those whose time has come. */
  #due(): [string, Queue] | undefined {
    const now = elapsedOn(this.#options.clock);
    return [...this.#queues]
      .filter(([, queue]) => this.#hurry.signal.aborted || queue.isWanted || now - queue.lastFlushMs >= FLUSH_MS)
      .sort(([, a], [, b]) => a.lastFlushMs - b.lastFlushMs || 0)[0];
  }

  async #sendFrom(sourceId: string, queue: Queue, send: SendBatch): Promise<void> {
    let bytes = 0;
    const fits = queue.logs.findIndex((log) => (bytes += bytesOf(log)) > MAX_BATCH_BYTES);
    const batch = fits < 0 ? [...queue.logs] : queue.logs.slice(0, fits);
    const { limitExceeded } = await send(sourceId, batch);
    queue.logs.splice(0, batch.length);
    this.#queuedBytes -= batch.reduce((sum, log) => sum + bytesOf(log), 0);
    queue.lastFlushMs = elapsedOn(this.#options.clock);
    if (queue.logs.length === 0) this.#queues.delete(sourceId);
    if (limitExceeded) this.#giveUp();
    if (this.#queues.size === 0) this.#emptied.wake();
  }

  #giveUp(): void {
    this.#isOver = true;
    this.#queues.clear();
    this.#queuedBytes = 0;
    this.#options.log.warn("script logs end here", { reason: "the control plane takes no more for this agent" });
  }

  #dropped(sourceId: string, count: number, reason: string): void {
    this.#options.log.warn("script log lines dropped", { source: sourceId, count, reason });
  }
}

const encoder = new TextEncoder();

function bytesOf(log: ScriptLog): number {
  return encoder.encode(log.output).length + LINE_OVERHEAD_BYTES;
}
