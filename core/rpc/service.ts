/**
 * The shapes of typed clients and servers, derived from what the protobuf compiler writes. Types only.
 *
 * @module
 */
import type { DescMethod, DescMethodStreaming, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";

import type { CallOptions } from "./drpc/client.ts";
import type { CallMetadata } from "./drpc/metadata.ts";

/** A service as generated code describes it (`Agent` of `core/proto/gen/agent_pb.ts`). */
export type ServiceDescriptor = DescService;

/** Methods of a service by their local names (`getManifest`). */
type Methods<S extends ServiceDescriptor> = S["method"];

/** What one passes to a method: a message, or its fields. */
type Input<M extends DescMethod> = MessageInitShape<M["input"]>;
/** What one gets from a method. */
type Output<M extends DescMethod> = MessageShape<M["output"]>;

/** One method as its caller sees it. Streams that are returned end when iterated to the end or left early. */
export type ClientMethod<M extends DescMethod> = M extends DescMethodUnary
  ? (request: Input<M>, options?: CallOptions) => Promise<Output<M>>
  : M extends DescMethodStreaming<infer _I, infer _O> ? StreamingClientMethod<M>
  : never;
type StreamingClientMethod<M extends DescMethodStreaming> = M["methodKind"] extends "server_streaming"
  ? (request: Input<M>, options?: CallOptions) => AsyncIterable<Output<M>>
  : M["methodKind"] extends "client_streaming"
    ? (requests: AsyncIterable<Input<M>>, options?: CallOptions) => Promise<Output<M>>
  : (requests: AsyncIterable<Input<M>>, options?: CallOptions) => AsyncIterable<Output<M>>;

/** A typed client: a function per method. */
export type ServiceClient<S extends ServiceDescriptor> = {
  readonly [K in keyof Methods<S>]: ClientMethod<Methods<S>[K]>;
};

/** What a handler knows about its call beside the request. */
export interface CallContext {
  /** Aborted when the caller cancels or is gone. */
  readonly signal: AbortSignal;
  readonly metadata: CallMetadata;
}

/** One method as its server writes it. Throw {@linkcode RpcError} to choose the error's code. */
export type ServerMethod<M extends DescMethod> = M extends DescMethodUnary ? (
    request: MessageShape<M["input"]>,
    call: CallContext,
  ) => Promise<MessageInitShape<M["output"]>> | MessageInitShape<M["output"]>
  : M extends DescMethodStreaming<infer _I, infer _O> ? StreamingServerMethod<M>
  : never;
type StreamingServerMethod<M extends DescMethodStreaming> = M["methodKind"] extends "server_streaming"
  ? (request: MessageShape<M["input"]>, call: CallContext) => AsyncIterable<MessageInitShape<M["output"]>>
  : M["methodKind"] extends "client_streaming"
    ? (requests: AsyncIterable<MessageShape<M["input"]>>, call: CallContext) => Promise<MessageInitShape<M["output"]>>
  : (
    requests: AsyncIterable<MessageShape<M["input"]>>,
    call: CallContext,
  ) => AsyncIterable<MessageInitShape<M["output"]>>;

/** A server's side of a service. A method that is left out answers "Unimplemented" (code 12). */
export type ServiceImplementation<S extends ServiceDescriptor> = {
  readonly [K in keyof Methods<S>]?: ServerMethod<Methods<S>[K]>;
};
