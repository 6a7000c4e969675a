/**
 * One call on a dRPC connection: its messages and its end, seen from either side.
 *
 * @module
 */
import { CallCanceledError, CallClosedError, decodeError, DrpcProtocolError, encodeError } from "./error.ts";
import { Kind, type Packet } from "./packet.ts";
import type { PacketWriter } from "./packet_writer.ts";

/** Unread bytes of messages from which on the connection is not read further. At least one message is always taken. */
const HIGH_WATER_BYTES = 256 * 1024;

/** How receiving ended: in order, or with an error. */
type ReceiveEnd = { readonly error?: Error };

/** A stream of messages in both directions that ends once. Made by the connections of this folder. */
export class DrpcStream {
  /** Number of the stream on its connection, from 1. */
  readonly id: bigint;
  /** Resolves when the stream is over in both directions, however it ended. */
  readonly terminated: Promise<void>;
  readonly #writer: PacketWriter;
  readonly #over = Promise.withResolvers<void>();
  readonly #abort = new AbortController();
  #nextMessage = 1n;
  #messages: Uint8Array[] = [];
  #unreadBytes = 0;
  #sendError: Error | undefined;
  #receiveEnd: ReceiveEnd | undefined;
  #localSendClosed = false;
  #remoteSendClosed = false;
  #isTerminated = false;
  #arrived: PromiseWithResolvers<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(id: bigint, writer: PacketWriter) {
    this.id = id;
    this.#writer = writer;
    this.terminated = this.#over.promise;
  }

  /** Aborted when the stream is over. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether the stream is over in both directions. */
  get isTerminated(): boolean {
    return this.#isTerminated;
  }

  /** For the client: queues the packets that start the call. They leave with the first message, or when an answer is awaited. */
  async invoke(path: string, encodedMetadata?: Uint8Array): Promise<void> {
    if (encodedMetadata !== undefined) await this.#write(Kind.invokeMetadata, encodedMetadata);
    await this.#write(Kind.invoke, new TextEncoder().encode(path));
  }

  /** Sends a message. Resolves when the transport took it. @throws {Error} When sending is over. */
  async send(message: Uint8Array): Promise<void> {
    await this.queue(message);
    await this.#writer.flush();
  }

  /** Like {@linkcode send}, but the message may wait for the next flush. */
  queue(message: Uint8Array): Promise<void> {
    if (this.#sendError !== undefined) return Promise.reject(this.#sendError);
    return this.#write(Kind.message, message);
  }

  /** The next message; `null` when the other side ended in order. @throws {Error} What the other side, or the transport, ended with. */
  async receive(): Promise<Uint8Array | null> {
    while (true) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        this.#unreadBytes -= message.length;
        this.#makeRoom();
        return message;
      }
      if (this.#receiveEnd !== undefined) {
        if (this.#receiveEnd.error !== undefined) throw this.#receiveEnd.error;
        return null;
      }
      this.#arrived ??= Promise.withResolvers();
      if (this.#writer.bufferedBytes > 0) await this.#writer.flush();
      await this.#arrived.promise;
    }
  }

  /** Says that no more messages follow. The stream is over when both sides said so. */
  closeSend(): Promise<void> {
    if (this.#localSendClosed || this.#isTerminated) return Promise.resolve();
    this.#localSendClosed = true;
    this.#sendError = new CallClosedError("Cannot send: sending was closed");
    const left = this.#writeAndFlush(Kind.closeSend, EMPTY);
    if (this.#remoteSendClosed) this.#terminate({}, left);
    return left;
  }

  /** Drops messages that were not read, and those that still come. */
  stopReceiving(): void {
    this.#dropUnread();
    this.#receiveEnd ??= {};
    this.#wake();
  }

  /** Ends the stream in both directions without an error. */
  close(): Promise<void> {
    if (this.#isTerminated) return Promise.resolve();
    const error = new CallClosedError("Cannot use the stream: it was closed");
    const left = this.#writeAndFlush(Kind.close, EMPTY);
    this.#terminate({ send: error, receive: { error } }, left);
    return left;
  }

  /** Ends the stream with an error that the other side gets. */
  sendError(error: unknown): Promise<void> {
    if (this.#isTerminated) return Promise.resolve();
    const left = this.#writeAndFlush(Kind.error, encodeError(error));
    const receive = new CallClosedError("Cannot receive: the stream was ended with an error", { cause: error });
    this.#terminate({ send: endOfStream(), receive: { error: receive } }, left);
    return left;
  }

  /** Ends the stream and asks the other side to drop it; the connection stays usable. */
  sendCancel(reason: Error): Promise<void> {
    if (this.#isTerminated) return Promise.resolve();
    const left = this.#writeAndFlush(Kind.cancel, EMPTY, true);
    this.#dropUnread();
    this.#terminate({ send: reason, receive: { error: reason } }, left);
    return left;
  }

  /** Ends the stream on this side only: nothing is sent. Messages that arrived are dropped. */
  cancel(reason: Error): void {
    if (this.#isTerminated) return;
    this.#dropUnread();
    this.fail(reason);
  }

  /** For the connection: it ended. Messages that arrived can still be read. */
  fail(reason: Error): void {
    this.#terminate({ send: reason, receive: { error: reason } });
  }

  /**
   * For the connection: takes a packet of this stream. A promise means that enough waits to be read: do not go on before it.
   *
   * @throws {DrpcProtocolError} When the packet does not belong here.
   */
  handle(packet: Packet): Promise<void> | undefined {
    if (this.#isTerminated) return undefined;
    switch (packet.kind) {
      case Kind.message:
        return this.#take(packet.data);
      case Kind.closeSend:
        this.#remoteSendClosed = true;
        this.#receiveEnd ??= {};
        if (this.#localSendClosed) this.#terminate({});
        break;
      case Kind.close:
        this.#terminate({ send: new CallClosedError("Cannot send: the other side closed the stream"), receive: {} });
        break;
      case Kind.error:
        this.#terminate({ send: endOfStream(), receive: { error: decodeError(packet.data) } });
        break;
      case Kind.cancel: {
        this.#dropUnread();
        this.#terminate({ send: endOfStream(), receive: { error: new CallCanceledError() } });
        break;
      }
      case Kind.invoke:
      case Kind.invokeMetadata:
        throw new DrpcProtocolError("protocol error: invoke on a stream that is in use");
      default:
        if (!packet.control) throw new DrpcProtocolError(`protocol error: unknown packet kind ${packet.kind}`);
    }
    this.#wake();
    return undefined;
  }

  #take(message: Uint8Array): Promise<void> | undefined {
    if (this.#receiveEnd !== undefined) return undefined;
    this.#messages.push(message);
    this.#unreadBytes += message.length;
    this.#wake();
    if (this.#unreadBytes < HIGH_WATER_BYTES) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** @param left Settles when the last packet of this side has left; only then the stream is over for those who wait. */
  #terminate(ends: { send?: Error; receive?: ReceiveEnd }, left: Promise<void> = Promise.resolve()): void {
    if (this.#isTerminated) return;
    this.#isTerminated = true;
    this.#sendError = ends.send ?? this.#sendError;
    this.#receiveEnd ??= ends.receive ?? {};
    this.#wake();
    this.#room?.resolve();
    this.#room = undefined;
    const over = () => this.#over.resolve();
    left.then(over, over);
    this.#abort.abort(ends.receive?.error ?? new CallClosedError("The call is over"));
  }

  #wake(): void {
    this.#arrived?.resolve();
    this.#arrived = undefined;
  }

  #dropUnread(): void {
    this.#messages = [];
    this.#unreadBytes = 0;
    this.#makeRoom();
  }

  #makeRoom(): void {
    if (this.#room === undefined || this.#unreadBytes >= HIGH_WATER_BYTES) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  async #writeAndFlush(kind: number, data: Uint8Array, control = false): Promise<void> {
    await this.#write(kind, data, control);
    await this.#writer.flush();
  }

  #write(kind: number, data: Uint8Array, control = false): Promise<void> {
    const message = this.#nextMessage++;
    return this.#writer.write({ kind, control, stream: this.id, message, data });
  }
}

function endOfStream(): CallClosedError {
  return new CallClosedError("Cannot send: the other side ended the stream");
}

const EMPTY = new Uint8Array(0);
