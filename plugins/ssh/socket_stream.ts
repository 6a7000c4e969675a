/**
 * A WebSocket that carries SSH, as a byte stream: binary messages whose boundaries mean nothing.
 *
 * @module
 */
import type { SocketChannel } from "../../core/plugin.ts";
import type { ByteStream } from "./service.ts";

/** Closed because of a message of text. */
const UNSUPPORTED_DATA = 1003;

/** Wraps an open channel, which belongs to the stream from now on. */
export function socketStream(socket: SocketChannel): ByteStream {
  const messages = socket[Symbol.asyncIterator]();
  return {
    readable: new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await messages.next();
        if (done) return controller.close();
        if (typeof value !== "string") return controller.enqueue(value);
        socket.close(UNSUPPORTED_DATA, "only binary messages are understood");
        controller.close();
      },
      cancel: () => socket.close(),
    }, { highWaterMark: 0 }),
    writable: new WritableStream<Uint8Array>({
      write: (bytes) => socket.send(bytes),
      close: () => socket.close(),
      abort: () => socket.close(),
    }),
  };
}
