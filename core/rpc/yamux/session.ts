/**
 * A yamux session: many streams over one byte stream, for both roles.
 *
 * @module
 */
import { elapsedOn } from "../../clock.ts";
import type { ByteStream } from "../byte_stream.ts";
import { Deadlines } from "../deadlines.ts";
import { YamuxError } from "./error.ts";
import { encodeHeader, Flag, type FrameHeader, FrameType, GoAwayCode } from "./frame.ts";
import { FrameReader, type FrameSink } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import { withDefaults, type YamuxOptions } from "./options.ts";
import { INITIAL_WINDOW_BYTES, type StreamHost, YamuxStream } from "./stream.ts";

interface Ping {
  readonly sentAt: number;
  readonly answer: PromiseWithResolvers<number>;
}

/**
 * Runs from construction until it is closed here, the peer ends it, or a rule is broken; {@linkcode closed} tells which. Iterating it yields
 * the streams the peer opens.
 */
export class YamuxSession implements AsyncIterable<YamuxStream>, Disposable {
  /** Resolves with the reason when the session is over. Never rejects. */
  readonly closed: Promise<YamuxError>;
  /** Resolves after {@linkcode closed}, when nothing of the transport is left. Never rejects. */
  readonly released: Promise<void>;
  readonly #options: Required<YamuxOptions>;
  readonly #writer: FrameWriter;
  readonly #streams = new Map<number, YamuxStream>();
  readonly #host: StreamHost;
  readonly #backlog: YamuxStream[] = [];
  readonly #unacknowledged: Deadlines<YamuxStream>;
  readonly #unacknowledgedStreams = new Set<YamuxStream>();
  readonly #closing: Deadlines<YamuxStream>;
  readonly #pings = new Map<number, Ping>();
  readonly #unanswered: Deadlines<number>;
  readonly #stop = new AbortController();
  readonly #over = Promise.withResolvers<YamuxError>();
  #ended: YamuxError | undefined;
  #nextId: number;
  #nextPing = 0;
  #inbound = 0;
  #localGoAway = false;
  #remoteGoAway = false;
  #arrived: PromiseWithResolvers<void> | undefined;
  #slot: PromiseWithResolvers<void> | undefined;

  /** Takes `transport` over and closes it at the end. */
  constructor(transport: ByteStream, options: YamuxOptions) {
    this.#options = withDefaults(options);
    const { clock, writeTimeoutMs, openTimeoutMs, closeTimeoutMs, windowBytes } = this.#options;
    this.closed = this.#over.promise;
    this.#nextId = options.role === "client" ? 1 : 2;
    this.#writer = new FrameWriter({ transport, clock, writeTimeoutMs, onFailure: (error) => this.#fail(error) });
    this.released = this.#writer.released;
    this.#unacknowledged = new Deadlines({
      clock,
      ms: openTimeoutMs,
      expire: (stream) =>
        this.#fail(
          new YamuxError("open_timeout", `Cannot open stream ${stream.id}: not accepted in ${openTimeoutMs} ms`),
        ),
    });
    this.#closing = new Deadlines({ clock, ms: closeTimeoutMs, expire: (stream) => stream.reset() });
    this.#unanswered = new Deadlines({ clock, ms: writeTimeoutMs, expire: (id) => this.#expirePing(id) });
    this.#host = {
      windowBytes,
      sendControl: (flags, id, grant) => this.#writer.push(encodeHeader(FrameType.windowUpdate, flags, id, grant)),
      room: () => this.#writer.room(),
      sendData: (id, bytes) => {
        this.#writer.push(encodeHeader(FrameType.data, 0, id, bytes.length));
        this.#writer.push(bytes);
      },
      forget: (stream) => this.#forget(stream),
      awaitClose: (stream) => this.#closing.add(stream),
    };
    this.#read(transport);
    if (this.#options.keepAliveMs > 0) this.#keepAlive();
  }

  /** Streams that are not over in both directions. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Whether new streams can be opened. */
  get isOpen(): boolean {
    return this.#ended === undefined && !this.#remoteGoAway && !this.#localGoAway;
  }

  /**
   * Opens a stream. It can be used at once, before the peer accepts it; waits only while too many others are not accepted.
   *
   * @throws {YamuxError} When the session is over or the peer takes no new streams.
   */
  async open(signal?: AbortSignal): Promise<YamuxStream> {
    while (true) {
      signal?.throwIfAborted();
      if (this.#ended !== undefined) throw this.#ended;
      if (this.#remoteGoAway || this.#localGoAway) {
        throw new YamuxError("go_away", "Cannot open a stream: the session takes no new ones");
      }
      if (this.#unacknowledgedStreams.size < this.#options.acceptBacklog) return this.#openNow();
      this.#slot ??= Promise.withResolvers();
      await orAborted(this.#slot.promise, signal);
    }
  }

  /** The next stream the peer opened; `null` when the session is over. */
  async accept(): Promise<YamuxStream | null> {
    while (true) {
      const stream = this.#backlog.shift();
      if (stream !== undefined) {
        this.#host.sendControl(Flag.ack, stream.id, this.#options.windowBytes - INITIAL_WINDOW_BYTES);
        return stream;
      }
      if (this.#ended !== undefined) return null;
      this.#arrived ??= Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  /** Yields the streams the peer opens, until the session is over. */
  async *[Symbol.asyncIterator](): AsyncGenerator<YamuxStream, void, undefined> {
    for (let stream = await this.accept(); stream !== null; stream = await this.accept()) yield stream;
  }

  /** Round trip through the peer, in milliseconds. @throws {YamuxError} When no answer comes in time. */
  ping(): Promise<number> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextPing;
    this.#nextPing = (this.#nextPing + 1) % 2 ** 32;
    const answer = Promise.withResolvers<number>();
    this.#pings.set(id, { sentAt: elapsedOn(this.#options.clock), answer });
    this.#unanswered.add(id);
    this.#writer.push(encodeHeader(FrameType.ping, Flag.syn, 0, id));
    return answer.promise;
  }

  /** Tells the peer to open no more streams; the open ones go on. */
  goAway(): void {
    if (this.#localGoAway || this.#ended !== undefined) return;
    this.#localGoAway = true;
    this.#writer.push(encodeHeader(FrameType.goAway, 0, 0, GoAwayCode.normal));
  }

  /** Ends the session and every stream. Queued bytes get a moment to leave. Closing twice does nothing. */
  close(): void {
    this.#end(
      new YamuxError("session_closed", "Cannot use the session: it is closed"),
      (error) => this.#writer.finish(error),
    );
  }

  /** Same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #openNow(): YamuxStream {
    const id = this.#nextId;
    if (id > 2 ** 32 - 1) throw new YamuxError("go_away", "Cannot open a stream: every id of the session was used");
    this.#nextId += 2;
    const stream = new YamuxStream(this.#host, id);
    this.#streams.set(id, stream);
    this.#unacknowledgedStreams.add(stream);
    this.#unacknowledged.add(stream);
    this.#host.sendControl(Flag.syn, id, this.#options.windowBytes - INITIAL_WINDOW_BYTES);
    return stream;
  }

  async #read(transport: ByteStream): Promise<void> {
    const reader = new FrameReader(this.#sink());
    try {
      for (let chunk = await transport.read(); chunk !== null; chunk = await transport.read()) {
        if (this.#ended !== undefined) return;
        reader.push(chunk);
      }
      if (!reader.isBetweenFrames) throw new Error("The connection ended within a frame");
      this.#fail(new YamuxError("session_ended", "Cannot use the session: the peer ended it"));
    } catch (error) {
      if (error instanceof YamuxError) return this.#fail(error);
      this.#fail(new YamuxError("transport_failed", "Cannot read from the connection: it broke", { cause: error }));
    }
  }

  #sink(): FrameSink {
    // Resolved per header: the stream may be forgotten before its last payload has arrived.
    let target: YamuxStream | undefined;
    return {
      header: (header) => {
        if (this.#ended !== undefined) throw this.#ended;
        if (header.type === FrameType.ping) this.#handlePing(header);
        else if (header.type === FrameType.goAway) this.#handleGoAway(header);
        else target = this.#handleStreamFrame(header);
      },
      payload: (_id, part) => target?.receive(part),
    };
  }

  #handleStreamFrame(header: FrameHeader): YamuxStream | undefined {
    if (header.flags & Flag.syn) this.#handleOpen(header.streamId);
    const stream = this.#streams.get(header.streamId);
    if (stream === undefined) return undefined;
    if (header.flags & Flag.ack) this.#acknowledge(stream);
    if (header.type === FrameType.data) stream.announce(header.length);
    else stream.widen(header.length);
    if (header.flags & Flag.fin) stream.endRemote();
    if (header.flags & Flag.rst) {
      stream.fail(new YamuxError("stream_reset", `Cannot use stream ${stream.id}: the peer reset it`), {
        dropUnread: true,
      });
      this.#forget(stream);
    }
    return stream;
  }

  #handleOpen(id: number): void {
    if (id === 0 || this.#isOurs(id)) {
      throw new YamuxError("protocol_error", `Cannot accept stream ${id}: the id is not the peer's to use`);
    }
    if (this.#streams.has(id)) {
      throw new YamuxError("protocol_error", `Cannot accept stream ${id}: it is open already`);
    }
    const { acceptBacklog, maxInboundStreams } = this.#options;
    if (this.#localGoAway || this.#backlog.length >= acceptBacklog || this.#inbound >= maxInboundStreams) {
      this.#host.sendControl(Flag.rst, id, 0);
      return;
    }
    const stream = new YamuxStream(this.#host, id);
    this.#streams.set(id, stream);
    this.#inbound += 1;
    this.#backlog.push(stream);
    this.#arrived?.resolve();
    this.#arrived = undefined;
  }

  #handlePing(header: FrameHeader): void {
    if (header.flags & Flag.syn) {
      this.#writer.push(encodeHeader(FrameType.ping, Flag.ack, 0, header.length));
      return;
    }
    const ping = this.#pings.get(header.length);
    if (ping === undefined) return;
    this.#pings.delete(header.length);
    this.#unanswered.delete(header.length);
    ping.answer.resolve(elapsedOn(this.#options.clock) - ping.sentAt);
  }

  #handleGoAway(header: FrameHeader): void {
    if (header.length !== GoAwayCode.normal) {
      throw new YamuxError("remote_error", `Cannot use the session: the peer ended it with code ${header.length}`);
    }
    this.#remoteGoAway = true;
    this.#freeSlot();
  }

  #expirePing(id: number): void {
    const ping = this.#pings.get(id);
    this.#pings.delete(id);
    ping?.answer.reject(
      new YamuxError(
        "ping_timeout",
        `Cannot reach the peer: no answer to a ping for ${this.#options.writeTimeoutMs} ms`,
      ),
    );
  }

  async #keepAlive(): Promise<void> {
    const { clock, keepAliveMs } = this.#options;
    try {
      while (true) {
        await clock.sleep(keepAliveMs, this.#stop.signal);
        await this.ping();
      }
    } catch (error) {
      if (error instanceof YamuxError) this.#fail(error);
    }
  }

  #acknowledge(stream: YamuxStream): void {
    this.#unacknowledged.delete(stream);
    if (this.#unacknowledgedStreams.delete(stream)) this.#freeSlot();
  }

  #freeSlot(): void {
    this.#slot?.resolve();
    this.#slot = undefined;
  }

  #forget(stream: YamuxStream): void {
    if (!this.#streams.delete(stream.id)) return;
    if (!this.#isOurs(stream.id)) this.#inbound -= 1;
    this.#closing.delete(stream);
    this.#acknowledge(stream);
  }

  #isOurs(id: number): boolean {
    return id % 2 === this.#nextId % 2;
  }

  /** Ends the session because of an error; the peer is told when it is to blame. */
  #fail(error: YamuxError): void {
    this.#end(error, () => {
      if (error.code !== "protocol_error") return this.#writer.abort(error);
      this.#writer.finish(error, encodeHeader(FrameType.goAway, 0, 0, GoAwayCode.protocolError));
    });
  }

  #end(error: YamuxError, endWriter: (error: YamuxError) => void): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    endWriter(error);
    this.#stop.abort(error);
    for (const timed of [this.#unacknowledged, this.#closing, this.#unanswered]) timed[Symbol.dispose]();
    for (const stream of this.#streams.values()) stream.fail(error);
    for (const ping of this.#pings.values()) ping.answer.reject(error);
    this.#streams.clear();
    this.#pings.clear();
    this.#unacknowledgedStreams.clear();
    this.#backlog.length = 0;
    this.#arrived?.resolve();
    this.#freeSlot();
    this.#over.resolve(error);
  }
}

/** Waits for `promise`, or rejects with the signal's reason. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
