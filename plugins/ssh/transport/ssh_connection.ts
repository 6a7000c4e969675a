/**
 * One client's connection: its channels, in both directions.
 *
 * @module
 */
import type { Peer } from "../service.ts";
import { SshChannel } from "./ssh_channel.ts";
import type { ChannelCallback, LibraryChannel, LibraryConnection } from "./ssh2_shape.ts";

/** Address and port of one end of a forwarded connection. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** RFC 4254 section 5.1. */
export const OPEN_FAILURE = { prohibited: 1, connectFailed: 2, resourceShortage: 4 } as const;

/** A client wants a channel to somewhere else. Exactly one of the two methods is to be called, at any time. */
export interface ChannelRequest {
  /** Opens the channel; `undefined` when the client has gone meanwhile. */
  accept(): SshChannel | undefined;
  /** @param text Shown by clients. */
  refuse(reason: number, text: string): void;
}

/** Window and packet size that the library gives its channels, in bytes. */
const WINDOW_BYTES = 2 * 1024 * 1024;
const PACKET_BYTES = 32 * 1024;

/** What {@linkcode SshConnection} is made from. */
export interface SshConnectionOptions {
  readonly peer: Peer;
  /** Most channels open at once, in both directions. */
  readonly maxChannels: number;
}

/** A connection after its key exchange. */
export class SshConnection {
  readonly #library: LibraryConnection;
  readonly #options: SshConnectionOptions;
  readonly #channels = new Map<LibraryChannel, SshChannel>();
  readonly #closing = new AbortController();
  #refusal: { readonly reason: number; readonly text: string } | undefined;

  constructor(library: LibraryConnection, options: SshConnectionOptions) {
    this.#library = library;
    this.#options = options;
    library.on("close", () => this.#ended());
    this.#noticeClosedChannels();
    this.#giveReasons();
  }

  /** Where the client is. */
  get peer(): Peer {
    return this.#options.peer;
  }

  /** Aborted when the connection has ended. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Channels that are open. */
  get channels(): number {
    return this.#library._chanMgr._count;
  }

  /** Whether one channel more is within the limit. The one being asked about counts already. */
  mayOpenChannel(): boolean {
    return this.channels <= this.#options.maxChannels;
  }

  /** Says goodbye and ends the connection. */
  end(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#library.end();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#library._sock.destroy();
  }

  /** Opens a channel for a connection that somebody made to a forwarded port. */
  openForwardedTcp(bound: Endpoint, originator: Endpoint): Promise<SshChannel> {
    return this.#open((opened) =>
      this.#library.forwardOut(bound.address, bound.port, originator.address, originator.port, opened)
    );
  }

  /** Opens a channel for a connection that somebody made to a forwarded socket. */
  openForwardedStreamlocal(path: string): Promise<SshChannel> {
    return this.#open((opened) => this.#library.openssh_forwardOutStreamLocal(path, opened));
  }

  /** Opens a channel to the client's X server. */
  openX11(originator: Endpoint): Promise<SshChannel> {
    return this.#open((opened) => this.#library.x11(originator.address, originator.port, opened));
  }

  /** Opens a channel to the client's key agent, for which the library has the packet and no method. */
  openAgent(): Promise<SshChannel> {
    return this.#open((opened) => {
      const id = this.#library._chanMgr.add(Object.assign(opened, { type: "auth-agent@openssh.com" }));
      if (id === -1) throw new RangeError("Cannot open a channel: none is free");
      this.#library._protocol.openssh_authAgent(id, WINDOW_BYTES, PACKET_BYTES);
    });
  }

  /** For this folder: keeps an eye on a channel. */
  adopt(channel: LibraryChannel, wrapped: SshChannel): void {
    this.#channels.set(channel, wrapped);
  }

  /** For this folder: gives a request to open a channel its two answers. */
  requestOf(accept: () => LibraryChannel | undefined, reject: () => void): ChannelRequest {
    return {
      accept: () => {
        const channel = this.signal.aborted ? undefined : accept();
        return channel && this.#wrap(channel);
      },
      refuse: (reason, text) => {
        this.#refusal = { reason, text };
        if (!this.signal.aborted) reject();
        this.#refusal = undefined;
      },
    };
  }

  #open(begin: (opened: ChannelCallback) => void): Promise<SshChannel> {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted) return reject(new Error("Cannot open a channel: the connection has ended"));
      if (!this.mayOpenChannel()) {
        return reject(new RangeError(`Cannot open a channel: ${this.channels} are open`));
      }
      try {
        begin((error, channel) => error ? reject(error) : resolve(this.#wrap(channel)));
      } catch (error) {
        reject(error);
      }
    });
  }

  #wrap(channel: LibraryChannel): SshChannel {
    const wrapped = new SshChannel(channel, this.#library._sock, this.signal);
    this.adopt(channel, wrapped);
    return wrapped;
  }

  /** The library tells of a channel's end only after its input was read, which may be never. */
  #noticeClosedChannels(): void {
    const { _protocol: protocol, _chanMgr: channels } = this.#library;
    const original = protocol._handlers.CHANNEL_CLOSE!;
    protocol._handlers.CHANNEL_CLOSE = (self, recipient: number) => {
      const entry = channels.get(recipient) as { readonly _channel?: LibraryChannel } | undefined;
      original(self, recipient);
      for (const channel of [entry?._channel, entry as LibraryChannel | undefined]) {
        if (channel === undefined) continue;
        this.#channels.get(channel)?.closed();
        this.#channels.delete(channel);
      }
    };
  }

  /** The library refuses every channel with the same reason and no text. */
  #giveReasons(): void {
    const protocol = this.#library._protocol;
    const refuse = protocol.channelOpenFail.bind(protocol);
    protocol.channelOpenFail = (channel, reason, text) =>
      refuse(channel, this.#refusal?.reason ?? reason, this.#refusal?.text ?? text);
  }

  #ended(): void {
    this.#closing.abort();
    for (const channel of this.#channels.values()) channel.closed();
    this.#channels.clear();
  }
}
