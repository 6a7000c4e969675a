/**
 * One established connection to the control plane.
 *
 * @module
 */
import { type DescMethod, getOption } from "@bufbuild/protobuf";

import { since } from "../proto/gen/since_pb.ts";
import { RpcUnavailableError } from "../errors.ts";
import { type ApiVersion, covers, formatVersion, parseVersion } from "./api_version.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { CallOptions, CallStream, RpcChannel } from "./drpc/client.ts";
import { RpcError } from "./drpc/error.ts";
import { MultiplexedChannel } from "./multiplexed.ts";
import type { YamuxSession } from "./yamux/session.ts";

/** What the connection needs of a link; tests make their own. */
export interface RpcLink {
  /** The version both sides agreed on. */
  readonly version: ApiVersion;
  /** Resolves with the reason when the link is over. Never rejects. */
  readonly closed: Promise<Error>;
  /** Resolves when nothing of the link is left. Never rejects. */
  readonly released: Promise<void>;
  /** Where calls of `method` go. @throws {RpcUnavailableError} When the agreed version lacks it. */
  channelFor(method: DescMethod): RpcChannel;
  /** Where a call goes that is made by its path alone, whatever version it needs; `name` is for messages. */
  rawChannel(name: string): RpcChannel;
  /** Ends the link; calls in flight fail. */
  close(): void;
}

/** A link over a yamux session. */
export class SessionLink implements RpcLink {
  readonly closed: Promise<Error>;
  readonly released: Promise<void>;
  readonly #session: YamuxSession;
  readonly #channel: MultiplexedChannel;

  /** @param incoming Takes streams the control plane opens; absent: they are reset. */
  constructor(session: YamuxSession, readonly version: ApiVersion, incoming?: (stream: ByteStream) => void) {
    this.#session = session;
    this.#channel = new MultiplexedChannel(session);
    this.closed = session.closed;
    this.released = session.released;
    this.#accept(incoming);
  }

  /** @inheritdoc */
  channelFor(method: DescMethod): RpcChannel {
    const needed = getOption(method, since);
    if (needed !== "" && !covers(this.version, parseVersion(needed))) {
      throw new RpcUnavailableError(
        method.name,
        "version",
        `the control plane speaks API ${formatVersion(this.version)} and the call needs ${needed}`,
      );
    }
    return this.rawChannel(method.name);
  }

  /** @inheritdoc */
  rawChannel(name: string): RpcChannel {
    return new LinkChannel(this.#channel, name, () => !this.#session.isOpen);
  }

  /** @inheritdoc */
  close(): void {
    this.#session.close();
  }

  async #accept(incoming: ((stream: ByteStream) => void) | undefined): Promise<void> {
    for await (const stream of this.#session) {
      if (incoming === undefined) stream.reset();
      else incoming(stream);
    }
  }
}

/** Says so when a call failed because the connection was lost. */
class LinkChannel implements RpcChannel {
  readonly #channel: RpcChannel;
  readonly #method: string;
  readonly #isLost: () => boolean;

  constructor(channel: RpcChannel, method: string, isLost: () => boolean) {
    this.#channel = channel;
    this.#method = method;
    this.#isLost = isLost;
  }

  async invoke(path: string, request: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    try {
      return await this.#channel.invoke(path, request, options);
    } catch (error) {
      throw this.#explain(error, options);
    }
  }

  async openStream(path: string, options: CallOptions = {}): Promise<CallStream> {
    try {
      return await this.#channel.openStream(path, options);
    } catch (error) {
      throw this.#explain(error, options);
    }
  }

  #explain(error: unknown, { signal }: CallOptions): unknown {
    if (error instanceof RpcError || signal?.aborted || !this.#isLost()) return error;
    return new RpcUnavailableError(this.#method, "lost", undefined, { cause: error });
  }
}
