/**
 * JSON objects, one a line, over a connection.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { MAX_LINE_BYTES, ProtocolError, type WireMessage } from "./protocol.ts";

/** Bytes that may wait for a peer that does not read, before the connection is given up. */
const MAX_WAITING_BYTES = 4 * MAX_LINE_BYTES;
const NEWLINE = 10;

/** The part of a connection that is used. */
export interface LineConnection {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** One side of a conversation. */
export class LineChannel {
  readonly #connection: LineConnection;
  readonly #encoder = new TextEncoder();
  #writing: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #closed = false;

  constructor(connection: LineConnection) {
    this.#connection = connection;
  }

  /**
   * Every message until the other side ends.
   *
   * @throws {ProtocolError} On a line that is too long, not UTF-8, or no object with a `type`.
   */
  async *messages(): AsyncGenerator<WireMessage> {
    const buffer = new Uint8Array(64 * 1024);
    let pieces: Uint8Array[] = [];
    let length = 0;
    while (true) {
      const count = await this.#read(buffer);
      if (count === null) return;
      let start = 0;
      for (let end = buffer.indexOf(NEWLINE); end >= 0 && end < count; end = buffer.indexOf(NEWLINE, start)) {
        const line = joined([...pieces, buffer.subarray(start, end)], length + end - start);
        [pieces, length, start] = [[], 0, end + 1];
        if (line.length > 0) yield parse(line);
      }
      length += count - start;
      if (length > MAX_LINE_BYTES) throw tooLong();
      if (start < count) pieces.push(buffer.slice(start, count));
    }
  }

  /**
   * Resolves when the message was handed to the system; messages keep their order. Never rejects: a connection that cannot
   * be written to is closed, and its reader hears of it.
   */
  send(message: WireMessage): Promise<void> {
    const bytes = this.#encoder.encode(`${JSON.stringify(message)}\n`);
    if (bytes.length > MAX_LINE_BYTES + 1 || this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.close();
      return Promise.resolve();
    }
    this.#waitingBytes += bytes.length;
    this.#writing = this.#writing.then(() => this.#write(bytes)).finally(() => this.#waitingBytes -= bytes.length);
    return this.#writing;
  }

  /** Ends both directions; what waits to be written is lost. Twice is once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#connection.close();
    } catch {
      // The other side, or the listener, was first.
    }
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    try {
      return await this.#connection.read(buffer);
    } catch (error) {
      // Closed by this side, or reset by a peer that died: an end like any other.
      if (this.#closed || error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BadResource) {
        return null;
      }
      throw error;
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      let rest = bytes;
      while (rest.length > 0 && !this.#closed) rest = rest.subarray(await this.#connection.write(rest));
    } catch {
      this.close();
    }
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (length > MAX_LINE_BYTES) throw tooLong();
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function parse(line: Uint8Array): WireMessage {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
  } catch (error) {
    throw new ProtocolError(`it sent a line that is no JSON: ${messageOf(error)}`);
  }
  if (typeof value === "object" && value !== null && typeof (value as WireMessage).type === "string") {
    return value as WireMessage;
  }
  throw new ProtocolError('it sent a line that is no object with a "type"');
}

function tooLong(): ProtocolError {
  return new ProtocolError(`it sent a line of more than ${MAX_LINE_BYTES} bytes`);
}
