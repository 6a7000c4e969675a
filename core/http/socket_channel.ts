/**
 * One WebSocket as plugins see it, on top of whatever the server offers.
 *
 * @module
 */
import type { Clock, SocketChannel } from "../plugin.ts";
import type { QueueBudget, QueueHolder } from "./queue_budget.ts";
import { costOf, isLonger, SocketQueue } from "./socket_queue.ts";
import { PING_FAILED, type SocketEvents, type SocketTransport } from "./socket_transport.ts";

/** Bytes the server may hold before `send` waits. What the server holds cannot be taken back when the peer stalls. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Time to send what is queued once the channel is to be closed, in milliseconds. */
const CLOSE_GRACE_MS = 5_000;
/** Longest close reason: a control frame holds 125 bytes, two of them the code (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;

/** Limits of one channel. */
export interface ChannelOptions {
  readonly clock: Clock;
  readonly maxMessageBytes: number;
  readonly maxQueuedBytes: number;
  /** Told what waits for the client. Absent: nobody is. */
  readonly budget?: QueueBudget;
  /** A peer that takes nothing for this long is gone, in milliseconds; 0 for never. */
  readonly stallMs: number;
  /** Called once, when messages can be sent. */
  readonly opened: (channel: SocketChannel) => void;
}

/** A send was refused, or given up, because the channel is closed. */
export class SocketClosedError extends Error {
  override readonly name = "SocketClosedError";
  readonly code = "socket_closed";

  constructor(readonly closeCode: number) {
    super(`Cannot send: the WebSocket is closed with ${closeCode}`);
  }
}

interface Waiting {
  /** Absent when the message is with the server already and only its draining is awaited. */
  message?: string | Uint8Array;
  readonly cost: number;
  readonly sent: () => void;
  readonly failed: (error: unknown) => void;
}

/** Implements {@linkcode SocketChannel}; the server reports through {@linkcode SocketEvents}. */
export class Channel implements SocketChannel, SocketEvents, QueueHolder {
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Resolves when the server is done with the connection: later than {@linkcode Channel.closed} if this side closed. */
  readonly gone: Promise<void>;
  readonly #options: ChannelOptions;
  readonly #incoming = new SocketQueue();
  readonly #outgoing: Waiting[] = [];
  readonly #abort = new AbortController();
  #transport: SocketTransport | undefined;
  #queuedBytes = 0;
  #isPumping = false;
  /** Set by `close`; the channel ends once the queue is empty. */
  #wanted: { readonly code: number; readonly reason: string } | undefined;
  #ended: { readonly code: number; readonly reason: string } | undefined;
  #leave!: () => void;
  #settle!: (end: { readonly code: number; readonly reason: string }) => void;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.closed = new Promise((resolve) => this.#settle = resolve);
    this.gone = new Promise((resolve) => this.#leave = resolve);
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  cut(): void {
    this.#end(1009, "Send queues are full");
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array> {
    return { next: () => this.#incoming.next() };
  }

  send(message: string | Uint8Array): Promise<void> {
    const end = this.#ended ?? this.#wanted;
    if (end) return Promise.reject(new SocketClosedError(end.code));
    const transport = this.#transport;
    if (transport && this.#outgoing.length === 0 && transport.bufferedBytes < HIGH_WATER_BYTES) {
      transport.send(message);
      if (transport.bufferedBytes < HIGH_WATER_BYTES) return Promise.resolve();
      return this.#enqueue(undefined, 0);
    }
    const cost = costOf(message);
    if (this.#queuedBytes + cost > this.#options.maxQueuedBytes) {
      this.#end(1009, "Send queue is full");
      return Promise.reject(new SocketClosedError(1009));
    }
    return this.#enqueue(message, cost);
  }

  close(code = 1000, reason = ""): void {
    if (this.#ended || this.#wanted) return;
    if (!isValidCloseCode(code)) throw new RangeError(`Cannot close a WebSocket with ${code}`);
    const end = { code, reason: shorten(reason) };
    if (this.#outgoing.length === 0) return this.#end(end.code, end.reason);
    this.#wanted = end;
    this.#incoming.close(true);
    this.#options.clock.sleep(CLOSE_GRACE_MS, this.signal).then(() => this.#end(end.code, end.reason), () => {
      // Everything was sent in time.
    });
  }

  opened(transport: SocketTransport): void {
    this.#transport = transport;
    if (this.#ended) return transport.close(this.#ended.code, this.#ended.reason);
    this.#options.opened(this);
  }

  received(message: string | Uint8Array): void {
    if (this.#ended || this.#wanted) return;
    if (isLonger(message, this.#options.maxMessageBytes)) return this.#end(1009, "Message is too long");
    this.#incoming.push(message);
    if (this.#incoming.bytes > this.#options.maxQueuedBytes) this.#end(1009, "Receive queue is full");
  }

  ended(code: number, reason: string): void {
    // What the peer said before it went may still be read.
    this.#finish({ code, reason }, false);
    this.#leave();
  }

  #enqueue(message: string | Uint8Array | undefined, cost: number): Promise<void> {
    return new Promise((sent, failed) => {
      this.#outgoing.push({ message, cost, sent, failed });
      this.#charge(cost);
      if (!this.#isPumping) this.#pump();
    });
  }

  #charge(bytes: number): void {
    this.#queuedBytes += bytes;
    this.#options.budget?.changed(this, bytes);
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    while (this.#outgoing.length > 0 && this.#transport) {
      if (!await this.#drained(this.#transport)) break;
      this.#sendQueued(this.#transport);
    }
    this.#isPumping = false;
    if (this.#wanted && this.#outgoing.length === 0) this.#end(this.#wanted.code, this.#wanted.reason);
  }

  #sendQueued(transport: SocketTransport): void {
    while (transport.bufferedBytes < HIGH_WATER_BYTES) {
      const next = this.#outgoing[0];
      if (!next) return;
      if (next.message !== undefined) transport.send(next.message);
      next.message = undefined;
      if (transport.bufferedBytes >= HIGH_WATER_BYTES) return;
      this.#outgoing.shift();
      this.#charge(-next.cost);
      next.sent();
    }
  }

  /** Waits for room at the server. `false` when the channel ended meanwhile, also because the peer stands still. */
  async #drained(transport: SocketTransport): Promise<boolean> {
    const { clock, stallMs } = this.#options;
    if (stallMs === 0) {
      await transport.drained(HIGH_WATER_BYTES);
      return !this.#ended;
    }
    const done = new AbortController();
    const room = transport.drained(HIGH_WATER_BYTES).then(() => done.abort());
    let left: number;
    do {
      left = transport.bufferedBytes;
      await clock.sleep(stallMs, done.signal).catch(() => {}); // Aborted: there is room, or the connection is gone.
    } while (!done.signal.aborted && !this.#ended && transport.bufferedBytes < left);
    if (!done.signal.aborted) this.#end(PING_FAILED.code, PING_FAILED.reason);
    await room;
    return !this.#ended;
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#finish({ code, reason }, true);
    this.#transport?.close(code, reason);
  }

  #finish(end: { readonly code: number; readonly reason: string }, dropIncoming: boolean): void {
    if (this.#ended) return;
    this.#ended = end;
    this.#incoming.close(dropIncoming);
    for (const waiting of this.#outgoing.splice(0)) waiting.failed(new SocketClosedError(end.code));
    this.#charge(-this.#queuedBytes);
    this.#settle(end);
    this.#abort.abort(new SocketClosedError(end.code));
  }
}

/** Codes an endpoint may send (RFC 6455, 7.4). */
function isValidCloseCode(code: number): boolean {
  const isReserved = code === 1004 || code === 1005 || code === 1006;
  return Number.isInteger(code) && (code >= 1000 && code <= 1014 && !isReserved || code >= 3000 && code <= 4999);
}

function shorten(reason: string): string {
  const bytes = new Uint8Array(MAX_REASON_BYTES);
  const { read } = new TextEncoder().encodeInto(reason, bytes);
  return reason.slice(0, read);
}
