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
import { openTemporaryDirectory, type TemporaryDirectory } from "../temporary_directory.ts";
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
  readonly #openDirectory: typeof openTemporaryDirectory;
  readonly #stop = new AbortController();
  #listening: Promise<Listening> | undefined;

  /** @param openDirectory Makes the place for the socket. */
  constructor(front: FrontDoor, log: Logger, openDirectory: typeof openTemporaryDirectory = openTemporaryDirectory) {
    this.#front = front;
    this.#log = log;
    this.#openDirectory = openDirectory;
  }

  /** Takes a stream over. */
  readonly accept = (stream: ByteStream): void => {
    if (this.#stop.signal.aborted || this.#open.size >= MAX_STREAMS) return stream.close();
    this.#open.add(stream);
    const served = this.#serve(stream).finally(() => {
      this.#open.delete(stream);
      this.#running.delete(served);
    });
    this.#running.add(served);
  };

  /** Ends every stream and removes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const stream of this.#open) stream.close();
    await Promise.all(this.#running);
    await this.#stopListening(this.#listening);
  }

  async #serve(stream: ByteStream): Promise<void> {
    try {
      await joinStreams(stream, connByteStream(await this.#connect()), this.#stop.signal);
    } catch (error) {
      this.#log.warn("cannot serve the control plane", { error: error instanceof Error ? error : String(error) });
      stream.close();
    }
  }

  /**
   * Somebody may have cleaned the socket's directory meanwhile; then it gets another one. Any other failure, such as a lack of
   * file descriptors, leaves the socket alone: requests are under way on it.
   */
  async #connect(): Promise<Deno.Conn> {
    const listening = this.#listening ??= this.#listen();
    const again = () => {
      if (this.#listening === listening) this.#listening = undefined;
    };
    const opened = await listening.catch((error) => {
      again(); // The next stream may find more room.
      throw error;
    });
    try {
      return await connectTo(opened);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused)) throw error;
      again();
      await this.#stopListening(listening);
      return await connectTo(await (this.#listening ??= this.#listen()));
    }
  }

  async #stopListening(listening: Promise<Listening> | undefined): Promise<void> {
    // When it could not be opened, the streams have said so.
    const opened = await listening?.catch(() => undefined);
    await opened?.listener.close(AbortSignal.abort());
    await opened?.directory[Symbol.asyncDispose]();
  }

  async #listen(): Promise<Listening> {
    await using opening = new AsyncDisposableStack();
    const directory = opening.use(await this.#openDirectory("outpost-tunnel-"));
    const listener = await listenUnix(this.#front, join(directory.path, "http.sock"), { transport: "tunnel" });
    opening.move();
    return { directory, listener };
  }
}

interface Listening {
  readonly directory: TemporaryDirectory;
  readonly listener: Listener;
}

function connectTo({ listener }: Listening): Promise<Deno.Conn> {
  return Deno.connect({ transport: "unix", path: listener.address });
}
