/**
 * The outgoing side of a yamux session: frames wait here for the transport.
 *
 * @module
 */
import { nextTurn } from "../../next_turn.ts";
import type { Clock } from "../../plugin.ts";
import type { ByteStream } from "../byte_stream.ts";
import { Deadlines } from "../deadlines.ts";
import { YamuxError } from "./error.ts";

/** Waiting bytes from which on writers of data wait, so that a slow transport slows them down. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Waiting bytes at which the session ends: only a peer that asks much and reads nothing gets here. */
const MAX_QUEUED_BYTES = HIGH_WATER_BYTES + 1024 * 1024;
/** Bytes joined into one write of the transport: two of the longest data frames and some small ones. */
const BATCH_BYTES = 160 * 1024;
/** Time for what is left to leave when the session ends, in milliseconds. */
const FLUSH_MS = 1_000;

/** What {@linkcode FrameWriter} takes. */
export interface FrameWriterOptions {
  readonly transport: ByteStream;
  readonly clock: Clock;
  /** Limit for one write of the transport, in milliseconds. */
  readonly writeTimeoutMs: number;
  /** Called at most once, when the transport fails or is too slow. */
  readonly onFailure: (error: YamuxError) => void;
}

/** Writes frames in order, joining small ones. Owns closing the transport. */
export class FrameWriter {
  /** Resolves when the last frame has left and the transport is gone. Never rejects. */
  readonly released: Promise<void>;
  readonly #options: FrameWriterOptions;
  readonly #inTime: Deadlines<Uint8Array>;
  readonly #flushed = new AbortController();
  #frames: Uint8Array[] = [];
  #queuedBytes = 0;
  #ended: Error | undefined;
  #work = Promise.withResolvers<void>();
  #room: PromiseWithResolvers<void> | undefined;

  constructor(options: FrameWriterOptions) {
    this.#options = options;
    this.#inTime = new Deadlines({
      clock: options.clock,
      ms: options.writeTimeoutMs,
      expire: () =>
        options.onFailure(
          new YamuxError(
            "write_timeout",
            `Cannot write to the connection: nothing left for ${options.writeTimeoutMs} ms`,
          ),
        ),
    });
    this.released = this.#run().then(() => options.transport.released);
  }

  /** Queues a frame at once. Frames after the end are dropped. */
  push(frame: Uint8Array): void {
    if (this.#ended !== undefined) return;
    if (this.#queuedBytes + frame.length > MAX_QUEUED_BYTES) {
      this.#options.onFailure(
        new YamuxError("protocol_error", `Cannot answer the peer: ${this.#queuedBytes} bytes wait for it to read`),
      );
      return;
    }
    this.#enqueue(frame);
  }

  /** Waits until data may be queued again; `undefined` when it may be queued now. */
  room(): Promise<void> | undefined {
    if (this.#ended !== undefined || this.#queuedBytes < HIGH_WATER_BYTES) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Ends in an orderly way: what is queued, and `lastFrame`, still get a moment to leave. */
  finish(error: Error, lastFrame?: Uint8Array): void {
    if (this.#ended !== undefined) return;
    if (lastFrame !== undefined) this.#enqueue(lastFrame);
    this.#end(error);
    const { clock, transport } = this.#options;
    clock.sleep(FLUSH_MS, this.#flushed.signal).then(() => transport.close(error), () => {
      // Everything left in time, and the transport is closed already.
    });
  }

  /** Ends at once and drops what is queued. */
  abort(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#frames = [];
    this.#end(error);
    this.#options.transport.close(error);
  }

  #end(error: Error): void {
    this.#ended = error;
    this.#inTime[Symbol.dispose]();
    this.#work.resolve();
    this.#room?.resolve();
  }

  #enqueue(bytes: Uint8Array): void {
    this.#frames.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#work.resolve();
  }

  async #run(): Promise<void> {
    const { transport, onFailure } = this.#options;
    try {
      while (this.#ended === undefined || this.#frames.length > 0) {
        if (this.#frames.length === 0) {
          await this.#work.promise;
          this.#work = Promise.withResolvers();
          // What the running turn still queues leaves in the same write: small writes in a row wait for each other in TCP.
          await nextTurn();
          continue;
        }
        const batch = this.#takeBatch();
        this.#inTime.add(batch);
        await transport.write(batch);
        this.#inTime.delete(batch);
        if (this.#queuedBytes < HIGH_WATER_BYTES) {
          this.#room?.resolve();
          this.#room = undefined;
        }
      }
      transport.close(this.#ended);
    } catch (error) {
      onFailure(new YamuxError("transport_failed", "Cannot write to the connection: it broke", { cause: error }));
      transport.close(this.#ended);
    } finally {
      this.#flushed.abort();
    }
  }

  #takeBatch(): Uint8Array {
    let count = 0;
    let bytes = 0;
    for (const frame of this.#frames) {
      if (count > 0 && bytes + frame.length > BATCH_BYTES) break;
      bytes += frame.length;
      count += 1;
    }
    const frames = this.#frames.splice(0, count);
    this.#queuedBytes -= bytes;
    if (frames.length === 1) return frames[0]!;
    const batch = new Uint8Array(bytes);
    let offset = 0;
    for (const frame of frames) {
      batch.set(frame, offset);
      offset += frame.length;
    }
    return batch;
  }
}
