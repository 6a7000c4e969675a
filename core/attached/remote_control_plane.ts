/**
 * `ctx.rpc` of a plugin in a program of its own: unary calls, made by the agent outside.
 *
 * @module
 */
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";

import { RpcUnavailableError, type RpcUnavailableReason } from "../errors.ts";
import { SPOKEN_VERSIONS } from "../rpc/api_version.ts";
import type { CallStream, RpcChannel } from "../rpc/drpc/client.ts";
import { RpcError } from "../rpc/drpc/error.ts";
import type { RpcLink } from "../rpc/link.ts";
import type { LineChannel } from "./line_channel.ts";
import type { WireMessage } from "./protocol.ts";

/** Makes links that exist while the agent is connected. */
export class RemoteControlPlane {
  readonly #channel: LineChannel;
  readonly #calls = new Map<number, PromiseWithResolvers<Uint8Array> & { readonly path: string }>();
  #made = 0;
  #isConnected = false;
  #connected = Promise.withResolvers<void>();
  #disconnected = Promise.withResolvers<void>();

  constructor(channel: LineChannel) {
    this.#channel = channel;
  }

  /** Resolves when the agent is connected. */
  readonly dial = async (signal: AbortSignal): Promise<RpcLink> => {
    const stopped = new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true })
    );
    await Promise.race([this.#connected.promise, stopped]);
    const closed = Promise.withResolvers<void>();
    const over = Promise.race([this.#disconnected.promise, closed.promise]);
    const calls = this.#rpcChannel();
    return {
      version: SPOKEN_VERSIONS[0]!,
      closed: over.then(() => new Error("the agent lost its connection to the control plane")),
      released: over,
      channelFor: () => calls,
      rawChannel: () => calls,
      close: () => closed.resolve(),
    };
  };

  /** Takes what the agent says. */
  hear(message: WireMessage): void {
    if (message.type === "rpc.connected" && !this.#isConnected) {
      this.#isConnected = true;
      this.#disconnected = Promise.withResolvers();
      this.#connected.resolve();
    } else if (message.type === "rpc.disconnected" && this.#isConnected) {
      this.#isConnected = false;
      this.#connected = Promise.withResolvers();
      this.#disconnected.resolve();
    } else if (message.type === "rpc.result") this.#answered(message);
  }

  #answered({ id, response, error }: WireMessage): void {
    const call = this.#calls.get(Number(id));
    if (call === undefined) return;
    this.#calls.delete(Number(id));
    if (typeof response === "string") call.resolve(decodeBase64(response));
    else call.reject(failureOf(call.path, error as WireFailure));
  }

  #rpcChannel(): RpcChannel {
    return {
      invoke: (path, request) => {
        const id = this.#made++;
        const call = { ...Promise.withResolvers<Uint8Array>(), path };
        this.#calls.set(id, call);
        void this.#channel.send({ type: "rpc.call", id, method: path, request: encodeBase64(request) });
        return call.promise;
      },
      openStream: (): Promise<CallStream> =>
        Promise.reject(new TypeError("streaming calls do not reach an attached plugin: build it in, or import it")),
    };
  }
}

interface WireFailure {
  readonly message: string;
  /** Of the control plane's own error. */
  readonly remoteCode?: string;
  /** Why the call could not be made. */
  readonly reason?: RpcUnavailableReason;
}

function failureOf(path: string, { message, remoteCode, reason }: WireFailure): Error {
  if (reason !== undefined) return new RpcUnavailableError(path.slice(path.lastIndexOf("/") + 1), reason);
  return remoteCode === undefined ? new Error(message) : new RpcError(message, BigInt(remoteCode));
}
