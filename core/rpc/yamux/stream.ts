/**
 * One stream of a yamux session.
 *
 * @module
 */
import { ByteQueue } from "../byte_queue.ts";
import type { ByteStream } from "../byte_stream.ts";
import { YamuxError } from "./error.ts";
import { Flag } from "./frame.ts";

/** Window with which every stream starts, fixed by the protocol, in bytes. */
export const INITIAL_WINDOW_BYTES = 256 * 1024;
/** Longest payload of one data frame we send, in bytes, so that streams take turns and pings are not held up. */
const MAX_DATA_BYTES = 64 * 1024;

/** What a stream asks of its session. */
export interface StreamHost {
  /** Receive window of every stream, in bytes. */
  readonly windowBytes: number;
  /** Queues a window update frame; never waits. */
  sendControl(flags: number, streamId: number, grant: number): void;
  /** `undefined` when data may be queued at once; else resolves when it is worth asking again. */
  room(): Promise<void> | undefined;
  /** Queues a data frame. */
  sendData(streamId: number, bytes: Uint8Array): void;
  /** The stream is over in both directions. */
  forget(stream: YamuxStream): void;
  /** The stream was closed here and now has a limited time to be closed by the peer. */
  awaitClose(stream: YamuxStream): void;
}

/**
 * A duplex stream with flow control: a writer waits while the peer has not read enough, and at most one window of unread bytes is
 * kept for a reader that stands still. Made by {@linkcode YamuxSession}.
 */
export class YamuxStream implements ByteStream {
  /** Odd when the client opened it, even when the server did. */
  readonly id: number;
  readonly #host: StreamHost;
  readonly #received = new ByteQueue();
  /** Bytes announced by the peer and not read by the application, arrived or not. */
  #unread = 0;
  #receiveWindow: number;
  #sendWindow: number;
  /** Bytes that came after {@linkcode close}. */
  #discarded = 0;
  #localEnd = false;
  #remoteEnd = false;
  #closed: Error | undefined;
  #failure: Error | undefined;
  #readable: PromiseWithResolvers<void> | undefined;
  #writable: PromiseWithResolvers<void> | undefined;

  /** @param extraWindow Bytes the peer granted above the initial window when it opened the stream. */
  constructor(host: StreamHost, id: number, extraWindow = 0) {
    this.#host = host;
    this.id = id;
    this.#receiveWindow = host.windowBytes;
    this.#sendWindow = INITIAL_WINDOW_BYTES + extraWindow;
  }

  /** @inheritdoc */
  async read(): Promise<Uint8Array | null> {
    while (true) {
      if (this.#closed !== undefined) throw this.#closed;
      const piece = this.#received.shift();
      if (piece !== undefined) {
        this.#unread -= piece.length;
        this.#grant();
        return piece;
      }
      if (this.#remoteEnd && this.#unread === 0) return null;
      if (this.#failure !== undefined) throw this.#failure;
      this.#readable = Promise.withResolvers();
      await this.#readable.promise;
    }
  }

  /** @inheritdoc */
  async write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      this.#assertWritable();
      if (this.#sendWindow === 0) {
        this.#writable = Promise.withResolvers();
        await this.#writable.promise;
        continue;
      }
      const room = this.#host.room();
      if (room !== undefined) {
        await room;
        continue;
      }
      const part = rest.subarray(0, Math.min(this.#sendWindow, MAX_DATA_BYTES));
      this.#sendWindow -= part.length;
      rest = rest.subarray(part.length);
      this.#host.sendData(this.id, part);
    }
  }

  /** @inheritdoc */
  closeWrite(): Promise<void> {
    if (this.#localEnd || this.#failure !== undefined) return Promise.resolve();
    this.#localEnd = true;
    this.#wake();
    this.#host.sendControl(Flag.fin, this.id, 0);
    if (this.#remoteEnd) this.#host.forget(this);
    return Promise.resolve();
  }

  /** Closes both directions in an orderly way: the peer reads to the end of what was written. What it still sends is dropped. */
  close(reason: Error = new YamuxError("stream_closed", "Cannot use the stream: it is closed")): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#received.clear();
    this.closeWrite();
    this.#wake();
    if (!this.#remoteEnd && this.#failure === undefined) this.#host.awaitClose(this);
  }

  /** Breaks the stream off: both sides fail at once. */
  reset(reason: Error = new YamuxError("stream_reset", "Cannot use the stream: it was reset")): void {
    if (this.#failure !== undefined || (this.#localEnd && this.#remoteEnd)) return;
    this.#host.sendControl(Flag.rst, this.id, 0);
    this.#closed ??= reason;
    this.#received.clear();
    this.fail(reason);
    this.#host.forget(this);
  }

  /** For the session: the peer announced a payload. @throws {YamuxError} When it is larger than the window. */
  announce(length: number): void {
    if (length > this.#receiveWindow) {
      throw new YamuxError(
        "protocol_error",
        `Cannot take ${length} bytes on stream ${this.id}: ${this.#receiveWindow} bytes were granted`,
      );
    }
    this.#receiveWindow -= length;
    this.#unread += length;
  }

  /** For the session: part of an announced payload. */
  receive(part: Uint8Array): void {
    if (this.#failure !== undefined) return;
    if (this.#closed === undefined) {
      this.#received.push(part);
      this.#readable?.resolve();
      return;
    }
    this.#discarded += part.length;
    // Nobody will ever read this: tell a peer that keeps on sending.
    if (this.#discarded > this.#host.windowBytes / 2) this.reset(this.#closed);
  }

  /** For the session: the peer allows `grant` more bytes. */
  widen(grant: number): void {
    if (grant === 0) return;
    this.#sendWindow = Math.min(this.#sendWindow + grant, MAX_WINDOW_BYTES);
    this.#writable?.resolve();
  }

  /** For the session: the peer will write nothing more. @throws {YamuxError} When it said so before. */
  endRemote(): void {
    if (this.#remoteEnd) {
      throw new YamuxError("protocol_error", `Cannot end stream ${this.id}: the peer ended it before`);
    }
    this.#remoteEnd = true;
    this.#wake();
    if (this.#localEnd) this.#host.forget(this);
  }

  /** For the session: the stream is broken. Bytes that arrived can still be read, unless the peer reset the stream. */
  fail(error: Error, options: { readonly dropUnread?: boolean } = {}): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    if (options.dropUnread) {
      this.#received.clear();
      this.#closed ??= error;
    }
    this.#wake();
  }

  #assertWritable(): void {
    if (this.#failure !== undefined) throw this.#closed ?? this.#failure;
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#localEnd) throw new YamuxError("stream_closed", "Cannot write to the stream: its writing side is closed");
  }

  #grant(): void {
    if (this.#remoteEnd || this.#failure !== undefined) return;
    const grant = this.#host.windowBytes - this.#unread - this.#receiveWindow;
    if (grant < this.#host.windowBytes / 2) return;
    this.#receiveWindow += grant;
    this.#host.sendControl(0, this.id, grant);
  }

  #wake(): void {
    this.#readable?.resolve();
    this.#writable?.resolve();
  }
}

/** Largest window the frame format can express, in bytes. */
const MAX_WINDOW_BYTES = 2 ** 32 - 1;
