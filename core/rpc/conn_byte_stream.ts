/**
 * A TCP or Unix connection as a byte stream.
 *
 * @module
 */
import { type ByteStream, StreamClosedError } from "./byte_stream.ts";

/** Bytes asked for in one read. */
const READ_BYTES = 64 * 1024;

/** Wraps `connection`, which belongs to the stream from now on. */
export function connByteStream(connection: Deno.Conn): ByteStream {
  return new ConnByteStream(connection);
}

class ConnByteStream implements ByteStream {
  readonly #connection: Deno.Conn;
  #closed: Error | undefined;
  #buffer = new Uint8Array(READ_BYTES);

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#closed !== undefined) throw this.#closed;
    try {
      const count = await this.#connection.read(this.#buffer);
      if (count === null) return null;
      if (count * 2 < READ_BYTES) return this.#buffer.slice(0, count);
      const chunk = this.#buffer.subarray(0, count);
      this.#buffer = new Uint8Array(READ_BYTES);
      return chunk;
    } catch (error) {
      throw this.#closed ?? error;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed;
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#connection.write(rest));
    } catch (error) {
      throw this.#closed ?? error;
    }
  }

  async closeWrite(): Promise<void> {
    if (this.#closed !== undefined) return;
    try {
      await this.#connection.closeWrite();
    } catch (error) {
      // The peer may have hung up first: then nothing is left to tell it.
      if (!(error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  close(reason: Error = new StreamClosedError()): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#connection.close();
  }
}
