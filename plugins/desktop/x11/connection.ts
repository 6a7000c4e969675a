/**
 * One connection to an X server: requests out, replies in, in the order in which they were sent.
 *
 * Only what a driver of a desktop needs of the X Window System Protocol, version 11, release 7.7.
 *
 * @module
 */
import { concat, padded } from "./wire.ts";

/** What the server says about itself and its first screen when the connection is opened. */
export interface X11Screen {
  readonly root: number;
  readonly width: number;
  readonly height: number;
  /** Bits per pixel that carry colour: 24 or 16. */
  readonly depth: number;
  readonly minKeycode: number;
  readonly maxKeycode: number;
  /** Longest request, in units of four bytes. */
  readonly maxRequestUnits: number;
}

/** The server refused a request. */
export class X11Error extends Error {
  override readonly name = "X11Error";

  /** @param errorCode The protocol's number for the kind of error. @param opcode Major opcode of the request. */
  constructor(readonly errorCode: number, readonly opcode: number) {
    super(`The X server refused request ${opcode} with error ${errorCode}`);
  }
}

/** The connection to the X server is closed: the server has ended, or this side hung up. */
export class X11ClosedError extends Error {
  override readonly name = "X11ClosedError";

  constructor(options?: ErrorOptions) {
    super("The connection to the X server is closed", options);
  }
}

/** Every reply, error and event starts with as many bytes. */
const UNIT_BYTES = 32;
const REPLY = 1;
const ERROR = 0;
const GET_INPUT_FOCUS = 43;

interface Waiting {
  readonly sequence: number;
  readonly resolve: (reply: DataView<ArrayBuffer>) => void;
  readonly reject: (error: Error) => void;
}

/** A connected client. Not safe for requests of several bodies that must not be mixed: whoever needs that takes turns. */
export class X11Connection implements Disposable {
  readonly screen: X11Screen;
  /** Resolves when the connection has ended, however. */
  readonly closed: Promise<void>;
  /** Told each event, 32 bytes as they came. */
  onEvent: (type: number, event: DataView<ArrayBuffer>) => void = () => {};
  readonly #conn: Deno.Conn;
  readonly #waiting: Waiting[] = [];
  #sequence = 0;
  #sending: Promise<unknown> = Promise.resolve();
  /** Of a request that has no reply of its own; told to the next {@linkcode X11Connection.sync}. */
  #refusal: X11Error | undefined;
  #isClosed = false;

  private constructor(conn: Deno.Conn, screen: X11Screen) {
    this.#conn = conn;
    this.screen = screen;
    this.closed = this.#receive();
  }

  /**
   * Opens a connection over the server's Unix socket, with a MIT-MAGIC-COOKIE-1.
   *
   * @throws {Error} When the server refuses, with its reason.
   * @throws The signal's reason: a server may accept and never answer. Once there is an answer, the signal means nothing.
   */
  static async open(socketPath: string, cookie: Uint8Array, signal: AbortSignal): Promise<X11Connection> {
    const conn = await Deno.connect({ transport: "unix", path: socketPath });
    using cut = new DisposableStack();
    cut.defer(() => conn.close());
    const abort = () => cut.dispose();
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      await writeAll(conn, setupRequest(cookie));
      const screen = await readSetup(conn);
      cut.move();
      return new X11Connection(conn, screen);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Sends a request that has no reply. What is wrong with it shows at the next {@linkcode X11Connection.sync}. */
  send(request: Uint8Array): void {
    if (this.#isClosed) throw new X11ClosedError();
    this.#sequence++;
    // Requests are handed over in the order of the calls; a write error closes the connection, which everybody learns.
    this.#sending = this.#sending.then(() => writeAll(this.#conn, request)).catch(() => this[Symbol.dispose]());
  }

  /** Sends a request and waits for its reply, whole. @throws {X11Error} @throws {X11ClosedError} */
  request(request: Uint8Array): Promise<DataView<ArrayBuffer>> {
    return new Promise((resolve, reject) => {
      this.send(request);
      this.#waiting.push({ sequence: this.#sequence & 0xffff, resolve, reject });
    });
  }

  /** Resolves when the server has done everything sent so far. @throws {X11Error} When it refused some of it. */
  async sync(): Promise<void> {
    await this.request(Uint8Array.of(GET_INPUT_FOCUS, 0, 1, 0));
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal;
  }

  /** Hangs up. What this client holds pressed through the server's test extension stays so: release it before. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }

  async #receive(): Promise<void> {
    let cause: unknown;
    try {
      for (;;) this.#take(await this.#readUnit());
    } catch (error) {
      cause = error; // The server's end and our own look alike; both end everybody who waits.
    }
    this[Symbol.dispose]();
    for (const { reject } of this.#waiting.splice(0)) reject(new X11ClosedError({ cause }));
  }

  async #readUnit(): Promise<DataView<ArrayBuffer>> {
    const head = await readFull(this.#conn, new Uint8Array(UNIT_BYTES));
    const view = new DataView(head.buffer);
    const more = view.getUint8(0) === REPLY ? 4 * view.getUint32(4, true) : 0;
    if (more === 0) return view;
    const whole = new Uint8Array(UNIT_BYTES + more);
    whole.set(head);
    await readFull(this.#conn, whole.subarray(UNIT_BYTES));
    return new DataView(whole.buffer);
  }

  #take(unit: DataView<ArrayBuffer>): void {
    const type = unit.getUint8(0);
    if (type !== REPLY && type !== ERROR) return this.onEvent(type & 0x7f, unit);
    const error = type === ERROR ? new X11Error(unit.getUint8(1), unit.getUint8(10)) : undefined;
    const first = this.#waiting[0];
    if (first?.sequence !== unit.getUint16(2, true)) return void (this.#refusal ??= error);
    this.#waiting.shift();
    if (error === undefined) first.resolve(unit);
    else first.reject(error);
  }
}

function setupRequest(cookie: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode("MIT-MAGIC-COOKIE-1");
  const head = new DataView(new ArrayBuffer(12));
  head.setUint8(0, "l".charCodeAt(0));
  head.setUint16(2, 11, true);
  head.setUint16(6, name.byteLength, true);
  head.setUint16(8, cookie.byteLength, true);
  return concat(new Uint8Array(head.buffer), padded(name), padded(cookie));
}

async function readSetup(conn: Deno.Conn): Promise<X11Screen> {
  const head = new DataView((await readFull(conn, new Uint8Array(8))).buffer);
  const body = await readFull(conn, new Uint8Array(4 * head.getUint16(6, true)));
  if (head.getUint8(0) !== 1) {
    const reason = new TextDecoder().decode(body.subarray(0, head.getUint8(1)));
    throw new Error(`The X server refused the connection: ${reason.trim()}`);
  }
  const view = new DataView(body.buffer);
  const vendorBytes = view.getUint16(16, true);
  const formats = view.getUint8(21);
  const root = 32 + vendorBytes + (-vendorBytes & 3) + 8 * formats;
  return {
    root: view.getUint32(root, true),
    width: view.getUint16(root + 20, true),
    height: view.getUint16(root + 22, true),
    depth: view.getUint8(root + 38),
    minKeycode: view.getUint8(26),
    maxKeycode: view.getUint8(27),
    maxRequestUnits: view.getUint16(18, true),
  };
}

async function readFull(conn: Deno.Conn, buffer: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < buffer.byteLength;) {
    const count = await conn.read(buffer.subarray(at));
    if (count === null) throw new Error("the X server closed the connection");
    at += count;
  }
  return buffer;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += await conn.write(bytes.subarray(at));
}
