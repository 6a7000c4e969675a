/**
 * Two connected byte streams inside one process: what one end writes, the other reads.
 *
 * @module
 */
import { ByteQueue } from "./byte_queue.ts";
import { type ByteStream, StreamClosedError } from "./byte_stream.ts";

/** Options of {@linkcode bytePipe}. */
export interface BytePipeOptions {
  /** Bytes that may wait for a reader before the writer has to wait. Default 256 KiB. */
  readonly highWaterBytes?: number;
}

/** Makes a pipe. Closing one end lets the other read what was written, then end. */
export function bytePipe(options: BytePipeOptions = {}): [ByteStream, ByteStream] {
  const highWaterBytes = options.highWaterBytes ?? 256 * 1024;
  const there = new Lane(highWaterBytes);
  const back = new Lane(highWaterBytes);
  return [new PipeEnd(back, there), new PipeEnd(there, back)];
}

/** One direction. */
class Lane {
  readonly #queue = new ByteQueue();
  readonly #highWaterBytes: number;
  #ended = false;
  #failure: Error | undefined;
  #readable = Promise.withResolvers<void>();
  #writable = Promise.withResolvers<void>();

  constructor(highWaterBytes: number) {
    this.#highWaterBytes = highWaterBytes;
  }

  async read(): Promise<Uint8Array | null> {
    while (true) {
      if (this.#failure !== undefined) throw this.#failure;
      const piece = this.#queue.shift();
      if (piece !== undefined) {
        this.#wake();
        return piece;
      }
      if (this.#ended) return null;
      this.#readable = Promise.withResolvers();
      await this.#readable.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    while (this.#failure === undefined && !this.#ended && this.#queue.length >= this.#highWaterBytes) {
      this.#writable = Promise.withResolvers();
      await this.#writable.promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new StreamClosedError();
    this.#queue.push(bytes);
    this.#readable.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(reason: Error): void {
    this.#failure ??= reason;
    this.#queue.clear();
    this.#wake();
  }

  #wake(): void {
    this.#readable.resolve();
    this.#writable.resolve();
  }
}

class PipeEnd implements ByteStream {
  readonly #incoming: Lane;
  readonly #outgoing: Lane;
  #closed = false;

  constructor(incoming: Lane, outgoing: Lane) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  read(): Promise<Uint8Array | null> {
    return this.#incoming.read();
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#outgoing.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#outgoing.end();
    return Promise.resolve();
  }

  close(reason: Error = new StreamClosedError()): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outgoing.end();
    this.#incoming.fail(reason);
  }
}
