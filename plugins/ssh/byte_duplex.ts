/**
 * A pair of web streams as the kind of stream that the SSH library takes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

import type { ByteStream } from "./service.ts";

/** A stream that counts, as those of TCP do. */
export interface CountedDuplex extends Duplex {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Owns both streams: its end is theirs. */
export class ByteDuplex extends Duplex implements CountedDuplex {
  bytesRead = 0;
  bytesWritten = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(stream: ByteStream) {
    super({ allowHalfOpen: false });
    this.#reader = stream.readable.getReader();
    this.#writer = stream.writable.getWriter();
    this.#reader.closed.catch(() => {}); // Told by the read that fails.
    this.#writer.closed.catch(() => {}); // Told by the write that fails.
  }

  override _read(): void {
    this.#reader.read().then(
      ({ done, value }) => {
        this.bytesRead += value?.length ?? 0;
        this.push(done ? null : value);
      },
      (error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.bytesWritten += chunk.length;
    this.#writer.write(chunk).then(() => done(), done);
  }

  /** What was written in one turn goes on as one. */
  override _writev(writes: readonly { readonly chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.#writer.write(Buffer.concat(writes.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#writer.close().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // Whichever side has ended already has nothing left to release.
    Promise.allSettled([this.#reader.cancel(), this.#writer.abort()]).then(() => done(error));
  }
}
