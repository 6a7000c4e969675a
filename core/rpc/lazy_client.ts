/**
 * Typed clients that load protobuf at their first call.
 *
 * @module
 */
import type { DescMethod } from "@bufbuild/protobuf";

import type { RpcLink } from "./link.ts";
import type { ServiceClient, ServiceDescriptor } from "./service.ts";

/** The present link. @throws {RpcUnavailableError} When there is none. */
export type LinkSource = (method: string) => Pick<RpcLink, "channelFor">;

type AnyClient = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** A client whose calls go to whatever link is there when they are made. */
export function lazyClient<S extends ServiceDescriptor>(service: S, linkFor: LinkSource): ServiceClient<S> {
  let loading: Promise<AnyClient> | undefined;
  const load = () => loading ??= loadClient(service, linkFor);
  const methods = service.methods.map((method) => [method.localName, lazyMethod(method, load, linkFor)]);
  return Object.freeze(Object.fromEntries(methods)) as ServiceClient<S>;
}

async function loadClient(service: ServiceDescriptor, linkFor: LinkSource): Promise<AnyClient> {
  const { typedClient } = await import("./typed_client.ts");
  return typedClient(service, (method) => linkFor(method.name).channelFor(method)) as unknown as AnyClient;
}

function lazyMethod(
  method: DescMethod,
  load: () => Promise<AnyClient>,
  linkFor: LinkSource,
): (...args: unknown[]) => unknown {
  const call = async (args: unknown[]) => {
    // Before loading anything: without a connection the answer is known.
    linkFor(method.name);
    return (await load())[method.localName]!(...args);
  };
  if (method.methodKind === "unary" || method.methodKind === "client_streaming") return (...args) => call(args);
  return async function* (...args) {
    yield* await call(args) as AsyncIterable<unknown>;
  };
}
