/**
 * Serves the front to the control plane, over streams it opens on the agent's own connection.
 *
 * @module
 */
import { join } from "@std/path";

import type { Logger } from "../plugin.ts";
import type { ByteStream } from "../rpc/byte_stream.ts";
import { connByteStream } from "../rpc/conn_byte_stream.ts";
import { joinStreams } from "../rpc/join_streams.ts";
import type { FrontDoor } from "./front_door.ts";
import { type Listener, listenUnix } from "./listeners.ts";

/** Streams served at once: more than the pages of one workspace need, few enough to leave room for other listeners. */
const MAX_STREAMS = 256;

/**
 * Each stream is one HTTP/1.1 connection. The bytes go through a Unix socket in a private directory, as the runtime serves HTTP only on
 * sockets; it is opened when the first stream comes.
 */
export class Tunnel implements AsyncDisposable {
  readonly #front: FrontDoor;
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();
  readonly #open = new Set<ByteStream>();
  #listening: Promise<{ readonly directory: string; readonly listener: Listener }> | undefined;
  #isClosed = false;

  constructor(front: FrontDoor, log: Logger) {
    this.#front = front;
    this.#log = log;
  }

  /** Takes a stream over. */
  readonly accept = (stream: ByteStream): void => {
    if (this.#isClosed || this.#open.size >= MAX_STREAMS) return stream.close();
    this.#open.add(stream);
    const served = this.#serve(stream).finally(() => {
      this.#open.delete(stream);
      this.#running.delete(served);
    });
    this.#running.add(served);
  };

  /** Ends every stream and removes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const stream of this.#open) stream.close();
    await Promise.all(this.#running);
    // When it could not be opened, the streams have said so.
    const opened = await this.#listening?.catch(() => undefined);
    await opened?.listener.close(AbortSignal.abort());
    if (opened !== undefined) await Deno.remove(opened.directory, { recursive: true });
  }

  async #serve(stream: ByteStream): Promise<void> {
    try {
      const { listener } = await (this.#listening ??= this.#listen());
      const connection = await Deno.connect({ transport: "unix", path: listener.address });
      await joinStreams(stream, connByteStream(connection));
    } catch (error) {
      this.#log.warn("cannot serve the control plane", { error: error instanceof Error ? error : String(error) });
      stream.close();
    }
  }

  async #listen() {
    const directory = await Deno.makeTempDir({ prefix: "outpost-tunnel-" });
    return {
      directory,
      listener: await listenUnix(this.#front, join(directory, "http.sock"), { transport: "tunnel" }),
    };
  }
}
