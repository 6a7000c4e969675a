/**
 * One channel: input as a stream, two outputs through one queue, an orderly end.
 *
 * @module
 */
import type { Duplex } from "node:stream";

import type { LibraryChannel } from "./ssh2_shape.ts";

/** Where output goes. Only sessions have a `stderr`. */
export type OutputName = "stdout" | "stderr";

/**
 * Most bytes that wait in the connection's socket before a channel stops writing. The library looks at the channel's window
 * only, and a client may grant a window of 4 GiB and then not read.
 */
const MAX_SOCKET_QUEUE_BYTES = 1024 * 1024;

/** A channel of a connection, whoever opened it. */
export class SshChannel {
  readonly #channel: LibraryChannel;
  readonly #socket: Duplex;
  readonly #connection: AbortSignal;
  readonly #closing = new AbortController();
  /** The writes so far. */
  #queue: Promise<boolean> = Promise.resolve(true);
  #release: (() => void) | undefined;
  #input: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;

  /**
   * @param socket The connection's byte stream.
   * @param connection Aborted when the connection has ended.
   */
  constructor(channel: LibraryChannel, socket: Duplex, connection: AbortSignal) {
    this.#channel = channel;
    this.#socket = socket;
    this.#connection = connection;
    // A reset of the connection is told to the connection; here it is the end.
    channel.on("error", () => this.closed());
  }

  /** Aborted when the client closed the channel, or the connection ended. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Aborted when the connection has ended, whenever the channel was closed. */
  get connection(): AbortSignal {
    return this.#connection;
  }

  /** What the client sends, at the reader's pace. Ends with the client's end of input and with the channel. */
  get input(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#input ??= inputOf(this.#channel);
  }

  /**
   * Sends bytes after everything written before, on either stream, and resolves when the client has room for more.
   *
   * One write at a time for both streams: the library keeps one waiting piece for each, forgets to look at the second when the
   * window opens, and sends the piece again when it finds it later. So after each write its memory is cleared.
   *
   * @returns `false` when the channel is closed; the bytes, or their rest, are then lost.
   */
  write(bytes: Uint8Array, output: OutputName = "stdout"): Promise<boolean> {
    const written = this.#queue.then(() => this.#write(bytes, output));
    this.#queue = written;
    return written;
  }

  /** Sends everything written so far, the exit status, and the end. Later calls do nothing. */
  async exit(status: number): Promise<void> {
    await this.#queue;
    if (!this.#isOpen()) return;
    this.#channel.exit(status);
    this.#channel.end();
  }

  /** Sends everything written so far and the end of the output; the input goes on. */
  async endOutput(): Promise<void> {
    await this.#queue;
    if (this.#isOpen()) this.#channel.eof();
  }

  /** Closes at once, without an exit status; what waits to be sent is lost. */
  close(): void {
    this.#channel.end();
    this.#channel.close();
    this.closed();
  }

  /** For the connection: the other side has closed. */
  closed(): void {
    this.#closing.abort();
    this.#release?.();
  }

  #isOpen(): boolean {
    return !this.#closing.signal.aborted && this.#channel.outgoing.state === "open";
  }

  async #write(bytes: Uint8Array, output: OutputName): Promise<boolean> {
    if (bytes.length === 0) return this.#isOpen();
    await this.#until((resolve) => {
      const target = output === "stderr" ? this.#channel.stderr : this.#channel;
      target.write(bytes, () => {
        this.#channel._chunk = this.#channel._chunkcb = undefined;
        this.#channel._chunkErr = this.#channel._chunkcbErr = undefined;
        resolve();
      });
    });
    if (this.#socket.writableLength > MAX_SOCKET_QUEUE_BYTES && this.#socket.writableNeedDrain) {
      await this.#until((resolve) => this.#socket.once("drain", resolve));
    }
    return this.#isOpen();
  }

  /** Waits for `begin` to call back, or for the end of the channel, after which the library never calls back. */
  #until(begin: (resolve: () => void) => void): Promise<void> {
    if (!this.#isOpen()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#release = resolve;
      begin(resolve);
    });
  }
}

function inputOf(channel: LibraryChannel): ReadableStream<Uint8Array<ArrayBuffer>> {
  let ended = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const end = () => {
        if (ended) return;
        ended = true;
        controller.close();
      };
      channel.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
        if (ended) return;
        controller.enqueue(chunk);
        channel.pause();
      });
      channel.on("end", end);
      channel.on("close", end);
      channel.pause();
    },
    pull: () => void channel.resume(),
    cancel() {
      ended = true;
      // Goes on reading, so that the channel's end is seen.
      channel.resume();
    },
  }, { highWaterMark: 0 });
}
