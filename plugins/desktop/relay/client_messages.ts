/**
 * What a VNC client says, message by message (RFC 6143, and the extensions that TigerVNC and noVNC use).
 *
 * The relay hands bytes on as they are wherever it can. It takes the client's side apart to know a person's input from the
 * questions of a viewer, and to keep clients from what belongs to the agent: the screen's size, and the other viewers.
 *
 * @module
 */

/** What a message is for. */
export type MessageKind =
  /** Part of the greeting, and what a viewer needs to see anything. */
  | "view"
  /** Keys and pointer. */
  | "input"
  /** The client's clipboard. */
  | "clipboard"
  /** What nobody may: another size of the screen, power buttons, sound. */
  | "barred";

/** One whole message. */
export interface ClientMessage {
  readonly kind: MessageKind;
  readonly bytes: Uint8Array;
  /** Present on key messages. */
  readonly key?: { readonly keysym: number; readonly isDown: boolean };
  /** Present on pointer messages; bit 0 of `buttons` is the left one. */
  readonly pointer?: { readonly x: number; readonly y: number; readonly buttons: number };
}

/** A client broke the protocol, or uses a part of it that the relay does not know. */
export class RfbProtocolError extends Error {
  override readonly name = "RfbProtocolError";
}

/** Longest clipboard accepted, in bytes. */
const MAX_CLIPBOARD_BYTES = 1024 * 1024;
/** Bytes the server has said when a client of version 3.3 goes on after its own version: its version, and the kind of security. */
export const GREETING_BYTES = 16;

const SECURITY = { none: 1, vncPassword: 2 } as const;
const PASSWORD_RESPONSE_BYTES = 16;
const TYPE = { setEncodings: 2, key: 4, pointer: 5, qemu: 255 } as const;
/** What a client may offer and the relay does not: they change how later messages are read, or let it do what is barred. */
const WITHHELD_ENCODINGS: ReadonlySet<number> = new Set([
  -316, // extended mouse buttons: a pointer message with one byte more
  -305, // general input interface
  -309, // power buttons
  -259, // sound
]);

/** How long a message is, as far as `view` shows it; `undefined` when more has to be seen. */
type Measure = (view: DataView) => number | undefined;

const MESSAGES: Readonly<Record<number, { readonly kind: MessageKind; readonly length: Measure }>> = {
  0: { kind: "view", length: () => 20 }, // SetPixelFormat
  2: { kind: "view", length: (view) => after(view, 4, () => 4 + 4 * view.getUint16(2)) }, // SetEncodings
  3: { kind: "view", length: () => 10 }, // FramebufferUpdateRequest
  4: { kind: "input", length: () => 8 }, // KeyEvent
  5: { kind: "input", length: () => 6 }, // PointerEvent
  6: { kind: "clipboard", length: (view) => after(view, 8, () => 8 + clipboardBytes(view.getInt32(4))) },
  150: { kind: "view", length: () => 10 }, // EnableContinuousUpdates
  248: { kind: "view", length: (view) => after(view, 9, () => 9 + view.getUint8(8)) }, // ClientFence
  250: { kind: "barred", length: () => 4 }, // Power buttons
  251: { kind: "barred", length: (view) => after(view, 8, () => 8 + 16 * view.getUint8(6)) }, // SetDesktopSize
  255: { kind: "input", length: (view) => after(view, 4, () => qemuBytes(view)) },
};

/** Takes bytes in any pieces and gives whole messages. Holds at most one unfinished message. */
export class ClientMessages {
  readonly #greeting: () => Uint8Array;
  #rest: Uint8Array = new Uint8Array();
  #step: "version" | "legacy" | "security" | "password" | "init" | "messages" = "version";

  /** @param greeting What the server has said so far, at least {@linkcode GREETING_BYTES} of it once it has. */
  constructor(greeting: () => Uint8Array) {
    this.#greeting = greeting;
  }

  /** @throws {RfbProtocolError} When the bytes are no message that is known; nothing can be read after that. */
  push(bytes: Uint8Array): ClientMessage[] {
    const data = this.#rest.byteLength === 0 ? bytes : joined(this.#rest, bytes);
    const messages: ClientMessage[] = [];
    let at = 0;
    while (at < data.byteLength) {
      const length = this.#lengthOf(new DataView(data.buffer, data.byteOffset + at, data.byteLength - at));
      if (length === undefined || length > data.byteLength - at) break;
      messages.push(this.#read(data.slice(at, at + length)));
      at += length;
    }
    this.#rest = data.slice(at);
    return messages;
  }

  #lengthOf(view: DataView): number | undefined {
    if (this.#step === "version") return 12;
    // Up to 3.6 the server chooses the security, and tells it after the client's version.
    if (this.#step === "legacy") {
      const greeting = this.#greeting();
      if (greeting.byteLength < GREETING_BYTES) return undefined;
      this.#choose(new DataView(greeting.slice(12, GREETING_BYTES).buffer).getUint32(0));
    }
    if (this.#step === "security" || this.#step === "init") return 1;
    if (this.#step === "password") return PASSWORD_RESPONSE_BYTES;
    const type = view.getUint8(0);
    const message = MESSAGES[type];
    if (message === undefined) throw new RfbProtocolError(`Unknown message type ${type}`);
    return message.length(view);
  }

  #read(bytes: Uint8Array): ClientMessage {
    if (this.#step !== "messages") return { kind: "view", bytes: this.#greet(bytes) };
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const type = bytes[0]!;
    const { kind } = MESSAGES[type]!;
    if (type === TYPE.setEncodings) return { kind, bytes: withoutWithheld(view) };
    if (type === TYPE.key) return { kind, bytes, key: { isDown: bytes[1] !== 0, keysym: view.getUint32(4) } };
    if (type === TYPE.pointer) {
      return { kind, bytes, pointer: { buttons: bytes[1]!, x: view.getUint16(2), y: view.getUint16(4) } };
    }
    if (type === TYPE.qemu) {
      if (bytes[1] !== 0) return { kind: "barred", bytes };
      return { kind, bytes, key: { isDown: view.getUint16(2) !== 0, keysym: view.getUint32(4) } };
    }
    return { kind, bytes };
  }

  /** The steps before the first message. A client that wants the screen for itself gets to share it. */
  #greet(bytes: Uint8Array): Uint8Array {
    if (this.#step === "version") {
      const minor = /^RFB 003\.(\d{3})\n$/.exec(new TextDecoder().decode(bytes))?.[1];
      if (minor === undefined) throw new RfbProtocolError("The client does not say which version of RFB it speaks");
      this.#step = Number(minor) >= 7 ? "security" : "legacy";
      return bytes;
    }
    if (this.#step === "init") {
      this.#step = "messages";
      return Uint8Array.of(1);
    }
    if (this.#step === "security") this.#choose(bytes[0]!);
    else this.#step = "init";
    return bytes;
  }

  #choose(security: number): void {
    if (security === SECURITY.none) this.#step = "init";
    else if (security === SECURITY.vncPassword) this.#step = "password";
    else throw new RfbProtocolError(`Security type ${security} is not relayed`);
  }
}

/** The message that releases what a client holds pressed. */
export function keyRelease(keysym: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint8(0, TYPE.key);
  view.setUint32(4, keysym);
  return new Uint8Array(view.buffer);
}

/** A pointer message without buttons. */
export function buttonsRelease(x: number, y: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(6));
  view.setUint8(0, TYPE.pointer);
  view.setUint16(2, x);
  view.setUint16(4, y);
  return new Uint8Array(view.buffer);
}

function withoutWithheld(view: DataView): Uint8Array {
  const encodings: number[] = [];
  for (let at = 4; at < view.byteLength; at += 4) {
    const encoding = view.getInt32(at);
    if (!WITHHELD_ENCODINGS.has(encoding)) encodings.push(encoding);
  }
  const message = new DataView(new ArrayBuffer(4 + 4 * encodings.length));
  message.setUint8(0, TYPE.setEncodings);
  message.setUint16(2, encodings.length);
  for (const [index, encoding] of encodings.entries()) message.setInt32(4 + 4 * index, encoding);
  return new Uint8Array(message.buffer);
}

/** A negative length announces the extended clipboard, which has as many bytes as its absolute value. */
function clipboardBytes(length: number): number {
  const bytes = Math.abs(length);
  if (bytes > MAX_CLIPBOARD_BYTES) {
    throw new RfbProtocolError(`The clipboard has ${bytes} bytes and the limit is ${MAX_CLIPBOARD_BYTES}`);
  }
  return bytes;
}

/** Keys with their position have 12 bytes; messages about sound 4, or 10 when they name a format. */
function qemuBytes(view: DataView): number {
  if (view.getUint8(1) === 0) return 12;
  return view.getUint16(2) === 2 ? 10 : 4;
}

function after(view: DataView, bytes: number, length: () => number): number | undefined {
  return view.byteLength < bytes ? undefined : length();
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.byteLength + second.byteLength);
  whole.set(first);
  whole.set(second, first.byteLength);
  return whole;
}
