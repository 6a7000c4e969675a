/**
 * The service that both sides of the interoperation tests speak, with plain bytes for messages.
 *
 * @module
 */
import { RpcError } from "../../core/rpc/drpc/error.ts";
import type { CallHandler, IncomingCall } from "../../core/rpc/drpc/server.ts";

/** Answers the calls the Go program makes. */
export function wireService(): CallHandler {
  let canceled = 0;
  const methods: Readonly<Record<string, CallHandler>> = {
    "/test.Wire/Echo": async ({ stream }) => await stream.send(await mustReceive(stream)),
    "/test.Wire/Fail": () => Promise.reject(new RpcError("no luck", 7n)),
    "/test.Wire/Count": count,
    "/test.Wire/Chat": async ({ stream }) => {
      for (let message = await stream.receive(); message !== null; message = await stream.receive()) {
        await stream.send(message);
      }
    },
    "/test.Wire/Hang": async ({ signal }) => {
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => aborted.resolve(), { once: true });
      if (!signal.aborted) await aborted.promise;
      canceled += 1;
    },
    "/test.Wire/Canceled": ({ stream }) => stream.send(new TextEncoder().encode(String(canceled))),
    "/test.Wire/Metadata": ({ stream, metadata }) => stream.send(new TextEncoder().encode(metadata["a"] ?? "")),
  };
  return async (call) => {
    const method = methods[call.path];
    if (method === undefined) throw new RpcError(`protocol error: unknown rpc: ${JSON.stringify(call.path)}`);
    await method(call);
  };
}

async function count({ stream }: IncomingCall): Promise<void> {
  const request = await mustReceive(stream);
  const view = new DataView(request.buffer, request.byteOffset);
  const messages = view.getUint32(0);
  const size = view.getUint32(4);
  for (let index = 0; index < messages; index++) {
    const message = new Uint8Array(size);
    new DataView(message.buffer).setUint32(0, index);
    await stream.send(message);
  }
}

async function mustReceive(stream: IncomingCall["stream"]): Promise<Uint8Array> {
  const message = await stream.receive();
  if (message === null) throw new Error("The call ended without a request");
  return message;
}
