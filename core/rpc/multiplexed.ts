/**
 * dRPC over yamux: every call has a stream of its own.
 *
 * @module
 */
import { type CallOptions, type CallStream, DrpcClient, type RpcChannel } from "./drpc/client.ts";
import { type CallHandler, type DrpcServerOptions, serveDrpc } from "./drpc/server.ts";
import type { YamuxSession } from "./yamux/session.ts";

/** Calls over a session; any number at once. Cancelling one closes its stream and nothing else. */
export class MultiplexedChannel implements RpcChannel {
  readonly #session: YamuxSession;

  constructor(session: YamuxSession) {
    this.#session = session;
  }

  /** @inheritdoc */
  async invoke(path: string, request: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    using client = new DrpcClient(await this.#session.open(options.signal));
    return await client.invoke(path, request, options);
  }

  /** @inheritdoc */
  async openStream(path: string, options: CallOptions = {}): Promise<CallStream> {
    const client = new DrpcClient(await this.#session.open(options.signal));
    try {
      const stream = await client.openStream(path, options);
      stream.terminated.then(() => client.close());
      return stream;
    } catch (error) {
      client.close();
      throw error;
    }
  }
}

/** Options of {@linkcode serveSession}. */
export interface SessionServerOptions extends DrpcServerOptions {
  /** Told about each stream whose caller broke the protocol or whose transport failed. Default: nobody. */
  readonly onError?: (error: unknown) => void;
}

/** Serves calls on every stream the peer opens. Resolves when the session is over and every handler has returned. */
export async function serveSession(
  session: YamuxSession,
  handler: CallHandler,
  options: SessionServerOptions = {},
): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const stream of session) {
    const served = serveDrpc(stream, handler, options)
      .catch((error) => options.onError?.(error))
      .finally(() => running.delete(served));
    running.add(served);
  }
  await Promise.all(running);
}
