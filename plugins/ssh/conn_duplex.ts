/**
 * A connection of the runtime as the kind of stream that the SSH library takes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

import type { CountedDuplex } from "./byte_duplex.ts";

/** Read at once, in bytes: as much as a socket holds in most settings of Linux. */
const READ_BYTES = 64 * 1024;

/** Owns the connection: its end is the connection's. */
export class ConnDuplex extends Duplex implements CountedDuplex {
  bytesRead = 0;
  bytesWritten = 0;
  readonly #connection: Deno.Conn;
  /** The same memory for every read; what is handed on is a copy of what came. */
  readonly #buffer = new Uint8Array(READ_BYTES);

  constructor(connection: Deno.Conn) {
    super({ allowHalfOpen: false });
    this.#connection = connection;
  }

  override _read(): void {
    this.#connection.read(this.#buffer).then(
      (count) => {
        this.bytesRead += count ?? 0;
        this.push(count === null ? null : Buffer.from(this.#buffer.subarray(0, count)));
      },
      (error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#writeAll(chunk).then(() => done(), done);
  }

  /** What was written in one turn goes on as one. */
  override _writev(writes: readonly { readonly chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this.#writeAll(Buffer.concat(writes.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.closeWrite().then(() => done(), () => done()); // The other side is gone already.
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    try {
      this.#connection.close();
    } catch {
      // Closed already.
    }
    done(error);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
    this.bytesWritten += bytes.length;
  }
}
