/**
 * The answering side of a dRPC connection.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import type { Clock } from "../../plugin.ts";
import type { ByteStream } from "../byte_stream.ts";
import { Deadlines } from "../deadlines.ts";
import { CallCanceledError, CallClosedError, DrpcProtocolError } from "./error.ts";
import { type CallMetadata, decodeMetadata } from "./metadata.ts";
import { Kind, type Packet } from "./packet.ts";
import { pumpPackets } from "./packet_pump.ts";
import { PacketWriter } from "./packet_writer.ts";
import { DrpcStream } from "./stream.ts";

/** A call as the server sees it. */
export interface IncomingCall {
  /** `/<package>.<Service>/<Method>`. */
  readonly path: string;
  readonly metadata: CallMetadata;
  /** Messages in and out. What the handler leaves open is closed when it returns. */
  readonly stream: DrpcStream;
  /** Aborted when the caller cancels, closes or loses the connection. */
  readonly signal: AbortSignal;
}

/** Answers one call. A throw becomes the error that the caller gets. */
export type CallHandler = (call: IncomingCall) => Promise<void>;

/** Options of {@linkcode serveDrpc}. */
export interface DrpcServerOptions {
  /** Ends the connection when aborted; open calls are cancelled. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Time without a call after which the connection is closed, in milliseconds. Default: no limit. */
  readonly inactivityMs?: number;
  /** Longest packet taken, in bytes. Default 4 MiB. */
  readonly maxPacketBytes?: number;
}

/**
 * Serves the calls of one transport, one after the other, until either side ends it. Takes `transport` over and closes it.
 *
 * Resolves when the connection ended in order, was aborted, and every handler has returned.
 *
 * @throws {DrpcProtocolError} When the caller broke the protocol.
 * @throws {Error} What the transport failed with.
 */
export async function serveDrpc(
  transport: ByteStream,
  handler: CallHandler,
  options: DrpcServerOptions = {},
): Promise<void> {
  const server = new DrpcServer(transport, handler, options);
  await server.run();
}

class DrpcServer {
  readonly #transport: ByteStream;
  readonly #handler: CallHandler;
  readonly #options: DrpcServerOptions;
  readonly #writer: PacketWriter;
  readonly #idle: Deadlines<DrpcServer> | undefined;
  #current: DrpcStream | undefined;
  #running: Promise<void> = Promise.resolve();
  #lastStream = 0n;
  #metadata: { readonly stream: bigint; readonly value: CallMetadata } | undefined;
  #ended: Error | undefined;

  constructor(transport: ByteStream, handler: CallHandler, options: DrpcServerOptions) {
    this.#transport = transport;
    this.#handler = handler;
    this.#options = options;
    this.#writer = new PacketWriter(transport);
    if (options.inactivityMs === undefined) return;
    this.#idle = new Deadlines({
      clock: options.clock ?? systemClock,
      ms: options.inactivityMs,
      expire: () => this.#end(new CallClosedError("The connection was not used for too long")),
    });
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = () => this.#end(new CallCanceledError("The server is stopping", { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#idle?.add(this);
    try {
      await pumpPackets(this.#transport, (packet) => this.#take(packet), this.#options);
      this.#end(new CallCanceledError("The caller ended the connection"));
    } catch (error) {
      const isOurDoing = this.#ended !== undefined;
      this.#end(error instanceof Error ? error : new CallClosedError(String(error)));
      if (!isOurDoing) throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      await this.#running;
    }
  }

  #end(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#idle?.[Symbol.dispose]();
    this.#current?.fail(reason);
    this.#transport.close(reason);
  }

  #take(packet: Packet): Promise<void> | undefined {
    if (this.#ended !== undefined) throw this.#ended;
    if (packet.stream === this.#lastStream) return this.#current?.handle(packet);
    if (packet.stream < this.#lastStream) return undefined;
    if (packet.kind === Kind.invokeMetadata) {
      this.#metadata = { stream: packet.stream, value: decodeMetadata(packet.data) };
      this.#cancelCurrent();
      return undefined;
    }
    if (packet.kind === Kind.invoke) return this.#start(packet);
    // What follows the metadata of a call that was given up before it began.
    if (packet.control || packet.kind === Kind.close || packet.kind === Kind.cancel) return undefined;
    throw new DrpcProtocolError(`protocol error: packet of kind ${packet.kind} before its call was started`);
  }

  /** A new call while the last one is open: its caller has given it up. */
  #cancelCurrent(): void {
    this.#current?.cancel(new CallCanceledError("The caller started another call"));
  }

  async #start(packet: Packet): Promise<void> {
    this.#cancelCurrent();
    const stream = new DrpcStream(packet.stream, this.#writer);
    const metadata = this.#metadata?.stream === packet.stream ? this.#metadata.value : {};
    const before = this.#running;
    this.#lastStream = packet.stream;
    this.#current = stream;
    this.#metadata = undefined;
    // One handler at a time: a caller that cancels and calls again cannot pile them up.
    await before;
    this.#idle?.delete(this);
    this.#running = this.#answer({
      path: new TextDecoder().decode(packet.data),
      metadata,
      stream,
      signal: stream.signal,
    });
  }

  async #answer(call: IncomingCall): Promise<void> {
    try {
      try {
        await this.#handler(call);
        call.stream.stopReceiving();
        await call.stream.closeSend();
      } catch (error) {
        await call.stream.sendError(error);
      }
    } catch {
      // The transport broke while the answer was sent: reading from it reports that.
    }
    this.#idle?.add(this);
  }
}
