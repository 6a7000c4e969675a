/**
 * Typed servers: finds the method a call names and speaks protobuf with it.
 *
 * @module
 */
import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import { CallClosedError, RpcError, UNIMPLEMENTED } from "./drpc/error.ts";
import type { IncomingCall } from "./drpc/server.ts";
import type { DrpcStream } from "./drpc/stream.ts";
import type { CallContext, ServiceDescriptor, ServiceImplementation } from "./service.ts";
import { pathOf } from "./typed_client.ts";

type Handler = (call: IncomingCall) => Promise<void>;
type Init = MessageInitShape<DescMethod["output"]>;

/** The services of one server. Each path has one owner. */
export class ServiceRouter {
  readonly #handlers = new Map<string, Handler>();

  /**
   * Adds a service. Dispose the result to take it away again.
   *
   * @throws {Error} When the service is there already.
   */
  add<S extends ServiceDescriptor>(service: S, implementation: ServiceImplementation<S>): Disposable {
    const paths = service.methods.map(pathOf);
    if (paths.some((path) => this.#handlers.has(path))) {
      throw new Error(`Cannot add the service "${service.typeName}": it is served already`);
    }
    const functions = implementation as Readonly<
      Record<string, ((input: unknown, call: CallContext) => unknown) | undefined>
    >;
    for (const method of service.methods) {
      const run = functions[method.localName];
      this.#handlers.set(
        pathOf(method),
        run === undefined ? unimplemented : handlerOf(method, run.bind(implementation)),
      );
    }
    return { [Symbol.dispose]: () => paths.forEach((path) => this.#handlers.delete(path)) };
  }

  /** Answers one call; pass it to `serveDrpc` or `serveSession`. */
  readonly handle = async (call: IncomingCall): Promise<void> => {
    const handler = this.#handlers.get(call.path);
    if (handler === undefined) throw new RpcError(`protocol error: unknown rpc: ${JSON.stringify(call.path)}`);
    await handler(call);
  };
}

function unimplemented(): Promise<void> {
  return Promise.reject(new RpcError("Unimplemented", UNIMPLEMENTED));
}

function handlerOf(method: DescMethod, run: (input: unknown, call: CallContext) => unknown): Handler {
  const encode = (init: Init) => toBinary(method.output, create(method.output, init));
  const takesMany = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const givesMany = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
  return async ({ stream, signal, metadata }) => {
    const requests = messages(stream, method);
    const input = takesMany ? requests : await first(requests);
    const output = run(input, { signal, metadata });
    if (givesMany) await sendAll(stream, output as AsyncIterable<Init>, encode);
    else await stream.queue(encode(await output as Init));
  };
}

async function* messages(stream: DrpcStream, method: DescMethod): AsyncGenerator<unknown> {
  for (let bytes = await stream.receive(); bytes !== null; bytes = await stream.receive()) {
    yield fromBinary(method.input, bytes);
  }
}

async function first(requests: AsyncGenerator<unknown>): Promise<unknown> {
  const next = await requests.next();
  if (next.done) throw new CallClosedError("The call ended without a request");
  return next.value;
}

async function sendAll(
  stream: DrpcStream,
  answers: AsyncIterable<Init>,
  encode: (init: Init) => Uint8Array,
): Promise<void> {
  for await (const answer of answers) await stream.send(encode(answer));
}
