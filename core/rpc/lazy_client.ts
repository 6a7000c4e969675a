/**
 * Typed clients that load protobuf at their first call.
 *
 * @module
 */
import type { DescMethod } from "@bufbuild/protobuf";

import { LoadedLate } from "../loaded_late.ts";
import type { RpcLink } from "./link.ts";
import type { CallOptions, ServiceClient, ServiceDescriptor } from "./service.ts";

/** The present link. @throws {RpcUnavailableError} When there is none. */
export type LinkSource = (method: string) => Pick<RpcLink, "channelFor">;

type AnyClient = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/**
 * A client whose calls go to whatever link is there when they are made.
 *
 * @param ends Ends every call when it aborts.
 */
export function lazyClient<S extends ServiceDescriptor>(
  service: S,
  linkFor: LinkSource,
  ends?: AbortSignal,
): ServiceClient<S> {
  const client = new LoadedLate(() => loadClient(service, linkFor));
  const methods = service.methods.map((method) => [method.localName, lazyMethod(method, { client, linkFor, ends })]);
  return Object.freeze(Object.fromEntries(methods)) as ServiceClient<S>;
}

async function loadClient(service: ServiceDescriptor, linkFor: LinkSource): Promise<AnyClient> {
  const { typedClient } = await import("./typed_client.ts");
  return typedClient(service, (method) => linkFor(method.name).channelFor(method)) as unknown as AnyClient;
}

interface CallSource {
  readonly client: LoadedLate<AnyClient>;
  readonly linkFor: LinkSource;
  readonly ends: AbortSignal | undefined;
}

function lazyMethod(method: DescMethod, { client, linkFor, ends }: CallSource): (...args: unknown[]) => unknown {
  const call = async (request: unknown, options?: CallOptions) => {
    // Before loading anything: without a connection the answer is known.
    linkFor(method.name);
    return (await client.use())[method.localName]!(request, withEnd(options, ends));
  };
  if (method.methodKind === "unary" || method.methodKind === "client_streaming") {
    return (request, options) => call(request, options as CallOptions);
  }
  return async function* (request, options) {
    yield* await call(request, options as CallOptions) as AsyncIterable<unknown>;
  };
}

function withEnd(options: CallOptions | undefined, ends: AbortSignal | undefined): CallOptions | undefined {
  if (ends === undefined) return options;
  return { ...options, signal: options?.signal === undefined ? ends : AbortSignal.any([options.signal, ends]) };
}
