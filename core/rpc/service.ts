/**
 * The shapes of typed clients and servers, derived from what the protobuf compiler writes. Types only.
 *
 * @module
 */
import type { DescMethod, DescMethodStreaming, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";

import type { CallOptions } from "./drpc/client.ts";
import type { CallMetadata } from "./drpc/metadata.ts";

export type { CallMetadata, CallOptions };

/** A service as generated code describes it (`Agent` of `core/proto/gen/agent_pb.ts`). */
export type ServiceDescriptor = DescService;

/** Methods of a service by their local names (`getManifest`). */
export type ServiceMethods<S extends ServiceDescriptor> = S["method"];

/** What one passes to a method: a message, or its fields. */
export type MethodInput<M extends DescMethod> = MessageInitShape<M["input"]>;
/** What one gets from a method. */
export type MethodOutput<M extends DescMethod> = MessageShape<M["output"]>;

/** One method as its caller sees it. Streams that are returned end when iterated to the end or left early. */
export type ClientMethod<M extends DescMethod> = M extends DescMethodUnary
  ? (request: MethodInput<M>, options?: CallOptions) => Promise<MethodOutput<M>>
  : M extends DescMethodStreaming<infer _I, infer _O> ? StreamingClientMethod<M>
  : never;
/** A method with more than one message in some direction, as its caller sees it. */
export type StreamingClientMethod<M extends DescMethodStreaming> = M["methodKind"] extends "server_streaming"
  ? (request: MethodInput<M>, options?: CallOptions) => AsyncIterable<MethodOutput<M>>
  : M["methodKind"] extends "client_streaming"
    ? (requests: AsyncIterable<MethodInput<M>>, options?: CallOptions) => Promise<MethodOutput<M>>
  : (requests: AsyncIterable<MethodInput<M>>, options?: CallOptions) => AsyncIterable<MethodOutput<M>>;

/** A typed client: a function per method. */
export type ServiceClient<S extends ServiceDescriptor> = {
  readonly [K in keyof ServiceMethods<S>]: ClientMethod<ServiceMethods<S>[K]>;
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
/** A method with more than one message in some direction, as its server writes it. */
export type StreamingServerMethod<M extends DescMethodStreaming> = M["methodKind"] extends "server_streaming"
  ? (request: MessageShape<M["input"]>, call: CallContext) => AsyncIterable<MessageInitShape<M["output"]>>
  : M["methodKind"] extends "client_streaming"
    ? (requests: AsyncIterable<MessageShape<M["input"]>>, call: CallContext) => Promise<MessageInitShape<M["output"]>>
  : (
    requests: AsyncIterable<MessageShape<M["input"]>>,
    call: CallContext,
  ) => AsyncIterable<MessageInitShape<M["output"]>>;

/** A server's side of a service. A method that is left out answers "Unimplemented" (code 12). */
export type ServiceImplementation<S extends ServiceDescriptor> = {
  readonly [K in keyof ServiceMethods<S>]?: ServerMethod<ServiceMethods<S>[K]>;
};
