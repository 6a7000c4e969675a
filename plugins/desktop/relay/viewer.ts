/**
 * One viewer of the desktop: a WebSocket on one side, a connection to the VNC server on the other.
 *
 * @module
 */
import type { Clock, SocketChannel } from "../../../core/plugin.ts";
import type { ViewerEnd } from "../desktop_metrics.ts";
import {
  buttonsRelease,
  type ClientMessage,
  ClientMessages,
  GREETING_BYTES,
  keyRelease,
  RfbProtocolError,
} from "./client_messages.ts";

/** What a viewer is made of. */
export interface ViewerOptions {
  readonly clock: Clock;
  readonly socket: SocketChannel;
  /** Connection to the VNC server; closed with the viewer. */
  readonly server: Deno.Conn;
  /** What the person is called. */
  readonly name: string;
  /** Drops everything but what it takes to watch. */
  readonly isViewOnly: boolean;
  /** Bytes read ahead for the viewer. */
  readonly queueBytes: number;
  /** Milliseconds after which a viewer that takes nothing is given up. */
  readonly stallMs: number;
  /** Told before a person's input is handed on; it waits until this resolves. */
  readonly onInput: () => Promise<void>;
  /** Told of input that was dropped. */
  readonly onDropped: () => void;
  /** Told of bytes sent to the viewer. */
  readonly onBytes: (bytes: number) => void;
}

/** Bytes read from the VNC server at once. */
const CHUNK_BYTES = 64 * 1024;
/** Close codes (RFC 6455, 7.4.1). */
const CLOSE = { goingAway: 1001, protocol: 1002, tooBig: 1009 } as const;

/** Carries bytes until either side ends. */
export class Viewer {
  readonly name: string;
  readonly isViewOnly: boolean;
  readonly #options: ViewerOptions;
  readonly #pressedKeys = new Set<number>();
  #pointer = { x: 0, y: 0, buttons: 0 };
  #greeting = new Uint8Array();
  /** Bytes on their way to the viewer. */
  #pending = 0;
  #progress = Promise.withResolvers<void>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.name = options.name;
    this.isViewOnly = options.isViewOnly;
  }

  /** Never rejects. Both sides are closed afterwards. */
  async run(): Promise<ViewerEnd> {
    const { socket, server } = this.#options;
    const down = this.#watch();
    const up = this.#listen();
    const end = await Promise.race([down, up]);
    if (end === "desktop") socket.close(CLOSE.goingAway, "The desktop has ended");
    if (end === "stalled") socket.close(CLOSE.tooBig, "The viewer does not take what it is sent");
    if (end === "left") socket.close();
    server.close(); // The VNC server releases what this client holds pressed.
    await Promise.all([down, up]);
    return end;
  }

  /** Lets go what the person holds pressed; the viewer stays. */
  async release(): Promise<void> {
    const { x, y, buttons } = this.#pointer;
    const messages = [...this.#pressedKeys].map(keyRelease);
    if (buttons !== 0) messages.push(buttonsRelease(x, y));
    this.#pressedKeys.clear();
    this.#pointer = { x, y, buttons: 0 };
    for (const message of messages) await this.#write(message).catch(() => {}); // It has gone, and with it what it held.
  }

  async #watch(): Promise<ViewerEnd> {
    const { server, socket, queueBytes, onBytes } = this.#options;
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      for (;;) {
        const count = await server.read(buffer);
        if (count === null) return socket.signal.aborted ? "left" : "desktop";
        const chunk = buffer.slice(0, count);
        if (this.#greeting.byteLength < GREETING_BYTES) this.#greeting = Uint8Array.of(...this.#greeting, ...chunk);
        onBytes(count);
        this.#send(chunk);
        while (this.#pending > queueBytes) if (await this.#isStalled()) return "stalled";
        if (socket.signal.aborted) return "left";
      }
    } catch {
      return socket.signal.aborted ? "left" : "desktop"; // Closed from our side, or cut.
    }
  }

  async #listen(): Promise<ViewerEnd> {
    const { socket } = this.#options;
    const messages = new ClientMessages(() => this.#greeting);
    try {
      for await (const frame of socket) {
        const bytes = typeof frame === "string" ? new TextEncoder().encode(frame) : frame;
        for (const message of messages.push(bytes)) await this.#take(message);
      }
      return "left";
    } catch (error) {
      if (!(error instanceof RfbProtocolError)) return socket.signal.aborted ? "left" : "desktop";
      socket.close(CLOSE.protocol, error.message);
      return "protocol";
    }
  }

  async #take(message: ClientMessage): Promise<void> {
    if (message.kind === "barred") return;
    if (message.kind !== "view" && this.isViewOnly) return this.#options.onDropped();
    if (message.kind === "input") {
      await this.#options.onInput();
      this.#note(message);
    }
    await this.#write(message.bytes);
  }

  #note({ key, pointer }: ClientMessage): void {
    if (key?.isDown) this.#pressedKeys.add(key.keysym);
    else if (key !== undefined) this.#pressedKeys.delete(key.keysym);
    this.#pointer = pointer ?? this.#pointer;
  }

  #send(chunk: Uint8Array): void {
    const cost = chunk.byteLength;
    this.#pending += cost;
    const done = () => {
      this.#pending -= cost;
      this.#progress.resolve();
      this.#progress = Promise.withResolvers();
    };
    this.#options.socket.send(chunk).then(done, done); // A failed send is the channel's end, which its signal tells.
  }

  async #isStalled(): Promise<boolean> {
    const timer = new AbortController();
    const stalled = this.#options.clock.sleep(this.#options.stallMs, timer.signal).then(() => true, () => false);
    const moved = this.#progress.promise.then(() => false);
    const result = await Promise.race([stalled, moved]);
    timer.abort();
    return result;
  }

  #write(bytes: Uint8Array): Promise<void> {
    const written = this.#writing.then(() => writeAll(this.#options.server, bytes));
    this.#writing = written.catch(() => {}); // Told to whoever waits for it.
    return written;
  }
}

async function writeAll(server: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += await server.write(bytes.subarray(at));
}
