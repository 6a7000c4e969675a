/**
 * The `ssh2` library as this plugin sees it: its shape, private parts included, and a check that the parts are there.
 *
 * Everything that touches a private field of the library lives in this folder. The version is pinned; whoever changes it runs
 * the tests here first, each of which stands for one fault of the library's server half.
 *
 * @module
 */
import type { EventEmitter } from "node:events";
import type { Duplex, Writable } from "node:stream";

/** Number of one end of a channel, and whether it may still send. */
export interface LibraryEnd {
  readonly id: number;
  readonly state: "open" | "eof" | "closing" | "closed";
}
/** A channel: what the client sends is read from it, what it is sent is written to it and to `stderr`. */
export interface LibraryChannel extends Duplex {
  readonly stderr: Writable;
  readonly outgoing: LibraryEnd;
  /** What the client may still send, in bytes. */
  readonly incoming: { readonly window: number };
  exit(status: number): void;
  eof(): void;
  close(): void;
  _chunk: unknown;
  _chunkcb: unknown;
  _chunkErr: unknown;
  _chunkcbErr: unknown;
}
/** A session before and after its start. */
export interface LibrarySession extends EventEmitter {
  readonly _chanInfo: { readonly outgoing: LibraryEnd };
  readonly _channel?: LibraryChannel;
}
/** Answers a request; absent when the client wants no answer. */
export type Reply = (() => void) | undefined;
/** Handles one decoded message. */
// deno-lint-ignore no-explicit-any -- every message has its own arguments
export type MessageHandler = (...message: any[]) => void;
/** The packet layer of one connection. */
export interface LibraryProtocol {
  readonly _handlers: Record<string, MessageHandler>;
  readonly _cipher?: { readonly _cipherInstance?: unknown };
  readonly _decipher?: { readonly _decipherInstance?: unknown };
  _onPayload: (payload: Uint8Array) => unknown;
  /** Ciphers take it over when they are made. */
  _onWrite: (bytes: Uint8Array) => void;
  channelSuccess(channel: number): void;
  channelFailure(channel: number): void;
  channelOpenFail(channel: number, reason: number, text?: string): void;
  openssh_authAgent(channel: number, window: number, packet: number): void;
}
/** Gets the opened channel, or why there is none. */
export type ChannelCallback = (error: Error | undefined, channel: LibraryChannel) => void;
/** One connection of a client. */
export interface LibraryConnection extends EventEmitter {
  readonly _protocol: LibraryProtocol;
  readonly _sock: Duplex;
  readonly _chanMgr: {
    add(entry: ChannelCallback & { type?: string }): number;
    get(id: number): unknown;
    readonly _count: number;
  };
  readonly authenticated: boolean;
  end(): void;
  forwardOut(boundAddress: string, boundPort: number, address: string, port: number, opened: ChannelCallback): void;
  openssh_forwardOutStreamLocal(path: string, opened: ChannelCallback): void;
  x11(address: string, port: number, opened: ChannelCallback): void;
}
/** One attempt of a client to prove who it is. */
export interface LibraryAuthentication {
  readonly username: string;
  readonly method: "none" | "publickey" | "password" | "keyboard-interactive" | "hostbased";
  /** Of method `publickey`. */
  readonly key?: { readonly algo: string; readonly data: Uint8Array };
  readonly blob?: Uint8Array;
  readonly signature?: Uint8Array;
  readonly hashAlgo?: string;
  accept(): void;
  reject(methodsLeft?: readonly string[]): void;
}
/** A key the library could read. */
export interface LibraryKey {
  readonly type: string;
  getPublicSSH(): Uint8Array;
  getPrivatePEM(): string | null;
  verify(data: Uint8Array, signature: Uint8Array, hash?: string): boolean | Error;
}
/** Takes byte streams and makes connections of them. */
export interface LibraryServer extends EventEmitter {
  injectSocket(stream: Duplex): void;
}
/** The library. */
export interface Ssh2 {
  readonly Server: new (options: Record<string, unknown>) => LibraryServer;
  readonly utils: { parseKey(text: string): LibraryKey | LibraryKey[] | Error };
}

const HANDLERS = [
  "CHANNEL_OPEN",
  "CHANNEL_OPEN_CONFIRMATION",
  "CHANNEL_DATA",
  "CHANNEL_REQUEST",
  "CHANNEL_CLOSE",
] as const;
const METHODS = [
  "_onPayload",
  "_onWrite",
  "channelSuccess",
  "channelFailure",
  "channelOpenFail",
  "openssh_authAgent",
] as const;

/** @throws {TypeError} When a private part that this folder relies on is not there. */
export function checkShape(connection: LibraryConnection): void {
  const protocol = connection._protocol;
  const missing = [
    ...HANDLERS.filter((name) => typeof protocol?._handlers?.[name] !== "function"),
    ...METHODS.filter((name) => typeof protocol?.[name] !== "function"),
    ...(["add", "get"] as const).filter((name) => typeof connection._chanMgr?.[name] !== "function"),
    ...(connection._sock === undefined ? ["_sock"] : []),
  ];
  if (missing.length === 0) return;
  throw new TypeError(`Cannot use ssh2: it lacks ${missing.join(", ")}, so it is not version 1.17.0`);
}
