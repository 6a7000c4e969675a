/**
 * The calling side of a dRPC connection.
 *
 * @module
 */
import type { ByteStream } from "../byte_stream.ts";
import { CallCanceledError, CallClosedError, DrpcProtocolError } from "./error.ts";
import { type CallMetadata, encodeMetadata } from "./metadata.ts";
import type { Packet } from "./packet.ts";
import { pumpPackets } from "./packet_pump.ts";
import { PacketWriter } from "./packet_writer.ts";
import { DrpcStream } from "./stream.ts";

/** Options of one call. */
export interface CallOptions {
  /** Ends the call when aborted. */
  readonly signal?: AbortSignal;
  readonly metadata?: CallMetadata;
}

/** One call with any number of messages in both directions, as its caller sees it. */
export interface CallStream {
  /** Sends a message. Resolves when the transport took it. @throws {Error} When sending is over. */
  send(message: Uint8Array): Promise<void>;
  /** The next message; `null` when the other side ended in order. @throws {Error} What the call ended with. */
  receive(): Promise<Uint8Array | null>;
  /** Says that no more messages follow. */
  closeSend(): Promise<void>;
  /** Ends the call in both directions. */
  close(): Promise<void>;
  /** Whether the call is over in both directions. */
  readonly isTerminated: boolean;
  /** Resolves when the call is over in both directions, however it ended. */
  readonly terminated: Promise<void>;
}

/** Something calls can be made on. */
export interface RpcChannel {
  /** Sends one message and waits for one. @throws {RpcError} When the other side answers with an error. */
  invoke(path: string, request: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  /** Starts a call with any number of messages in both directions. End it: receive until `null`, or `close()` it. */
  openStream(path: string, options?: CallOptions): Promise<CallStream>;
}

/** Options of {@linkcode DrpcClient}. */
export interface DrpcClientOptions {
  /**
   * `true` cancels a call with a packet and keeps the connection; `false` closes the transport, which every server understands. Default
   * `false`.
   */
  readonly softCancel?: boolean;
  /** Longest packet taken, in bytes. Default 4 MiB. */
  readonly maxPacketBytes?: number;
}

/** One call at a time on one transport; further calls wait for their turn. */
export class DrpcClient implements RpcChannel, Disposable {
  /** Resolves with the reason when the connection is over. Never rejects. */
  readonly closed: Promise<Error>;
  readonly #transport: ByteStream;
  readonly #options: DrpcClientOptions;
  readonly #writer: PacketWriter;
  readonly #over = Promise.withResolvers<Error>();
  #ended: Error | undefined;
  #nextStream = 1n;
  #current: DrpcStream | undefined;
  #turn: Promise<void> = Promise.resolve();

  /** Takes `transport` over and closes it at the end. */
  constructor(transport: ByteStream, options: DrpcClientOptions = {}) {
    this.#transport = transport;
    this.#options = options;
    this.#writer = new PacketWriter(transport);
    this.closed = this.#over.promise;
    this.#pump();
  }

  /** @inheritdoc */
  async invoke(path: string, request: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const stream = await this.openStream(path, options);
    try {
      await stream.queue(request);
      await stream.closeSend();
    } catch (error) {
      // The server may have answered, or refused, before it read all of the request: that answer says more than the write error.
      if (!stream.isTerminated) throw error;
    }
    const answer = await stream.receive();
    if (answer === null) throw new CallClosedError("The call ended without an answer");
    if (!stream.isTerminated) await stream.close();
    return answer;
  }

  /** @inheritdoc */
  async openStream(path: string, options: CallOptions = {}): Promise<DrpcStream> {
    const { signal, metadata } = options;
    signal?.throwIfAborted();
    const turn = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = before.then(() => turn.promise);
    try {
      await before;
      signal?.throwIfAborted();
      if (this.#ended !== undefined) throw this.#ended;
      const stream = new DrpcStream(this.#nextStream++, this.#writer);
      this.#current = stream;
      this.#watch(stream, signal);
      stream.terminated.then(turn.resolve);
      await stream.invoke(path, metadata === undefined ? undefined : encodeMetadata(metadata));
      return stream;
    } catch (error) {
      turn.resolve();
      throw error;
    }
  }

  /** Ends the connection; open calls fail with `reason`. Closing twice does nothing. */
  close(reason: Error = new CallClosedError("Cannot use the connection: it is closed")): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#current?.fail(reason);
    this.#transport.close(reason);
    this.#over.resolve(reason);
  }

  /** Same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #watch(stream: DrpcStream, signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const onAbort = () => {
      const reason = errorOf(signal.reason);
      if (this.#options.softCancel) stream.sendCancel(reason).catch((error) => this.close(error));
      else {
        stream.cancel(reason);
        this.close(new CallCanceledError("The connection was closed because a call was cancelled", { cause: reason }));
      }
    };
    signal.addEventListener("abort", onAbort, { once: true });
    stream.terminated.then(() => signal.removeEventListener("abort", onAbort));
  }

  async #pump(): Promise<void> {
    try {
      await pumpPackets(this.#transport, (packet) => this.#take(packet), this.#options);
      this.close(new CallClosedError("Cannot use the connection: the other side ended it"));
    } catch (error) {
      if (error instanceof DrpcProtocolError) this.close(error);
      else this.close(new CallClosedError("Cannot use the connection: it broke", { cause: error }));
    }
  }

  #take(packet: Packet): Promise<void> | undefined {
    const current = this.#current;
    if (current !== undefined && packet.stream === current.id) return current.handle(packet);
    if (packet.stream < this.#nextStream || packet.control) return undefined;
    throw new DrpcProtocolError(`protocol error: packet for stream ${packet.stream}, which was never opened`);
  }
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new CallCanceledError(String(reason));
}
