/**
 * Typed clients over anything calls can be made on.
 *
 * @module
 */
import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import type { CallOptions, CallStream, RpcChannel } from "./drpc/client.ts";
import { CallClosedError } from "./drpc/error.ts";
import type { ServiceClient, ServiceDescriptor } from "./service.ts";

/** Where the calls of a client go; asked for each call, so that it may throw while there is no connection. */
export type ChannelSource = (method: DescMethod) => RpcChannel;

/** Makes a client of `service`. A request is a message or its fields. */
export function typedClient<S extends ServiceDescriptor>(service: S, channelFor: ChannelSource): ServiceClient<S> {
  const methods = service.methods.map((method) => [method.localName, clientMethod(method, channelFor)]);
  return Object.freeze(Object.fromEntries(methods)) as ServiceClient<S>;
}

/** The path of a method on the wire. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

type Init = MessageInitShape<DescMethod["input"]>;

function clientMethod(method: DescMethod, channelFor: ChannelSource): (input: never, options?: CallOptions) => unknown {
  const path = pathOf(method);
  const encode = (init: Init) => toBinary(method.input, create(method.input, init));
  const decode = (bytes: Uint8Array) => fromBinary(method.output, bytes);
  const requestsOf = (input: unknown) =>
    method.methodKind === "server_streaming" ? oneOf(input as Init) : input as AsyncIterable<Init>;
  switch (method.methodKind) {
    case "unary":
      return async (input: Init, options?: CallOptions) =>
        decode(await channelFor(method).invoke(path, encode(input), options));
    case "client_streaming":
      return async (input: AsyncIterable<Init>, options?: CallOptions) => {
        const stream = await channelFor(method).openStream(path, options);
        for await (const answer of converse(stream, input, encode)) return decode(answer);
        throw new CallClosedError("The call ended without an answer");
      };
    default:
      return async function* (input: unknown, options?: CallOptions) {
        const stream = await channelFor(method).openStream(path, options);
        for await (const answer of converse(stream, requestsOf(input), encode)) yield decode(answer);
      };
  }
}

async function* oneOf(init: Init): AsyncGenerator<Init> {
  yield await init;
}

/** Sends every request while answers are read; closes the stream however the reader leaves. */
async function* converse(
  stream: CallStream,
  requests: AsyncIterable<Init>,
  encode: (init: Init) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  const source = requests[Symbol.asyncIterator]();
  const sending = sendAll(stream, source, encode);
  try {
    for (let answer = await stream.receive(); answer !== null; answer = await stream.receive()) yield answer;
  } catch (error) {
    throw (await sending)?.error ?? error;
  } finally {
    await stream.close();
    // A server may end before it has read everything, and a reader may leave: then the rest of the requests is not wanted.
    source.return?.().catch(() => {});
  }
  const failure = await sending;
  if (failure !== undefined) throw failure.error;
}

/** Resolves with what the source of requests threw. An error of the stream itself is left to the receiving side. */
async function sendAll(
  stream: CallStream,
  source: AsyncIterator<Init>,
  encode: (init: Init) => Uint8Array,
): Promise<{ readonly error: unknown } | undefined> {
  while (!stream.isTerminated) {
    let message: Uint8Array;
    try {
      const next = await Promise.race([source.next(), stream.terminated]);
      if (next === undefined) return undefined;
      if (next.done) break;
      message = encode(next.value);
    } catch (error) {
      await stream.close().catch(() => {});
      return { error };
    }
    try {
      await stream.send(message);
    } catch {
      return undefined;
    }
  }
  await stream.closeSend().catch(() => {});
  return undefined;
}
