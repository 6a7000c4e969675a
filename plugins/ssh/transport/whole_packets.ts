/**
 * Handing packets over whole.
 *
 * The library writes the length, the content and the check of each packet by themselves: three system calls, and with
 * Nagle's algorithm off three segments, each of which wakes the client up.
 *
 * @module
 */
import type { LibraryConnection } from "./ssh2_shape.ts";

/** Lets everything that is written in one turn go out at once. To be called before the key exchange ends. */
export function writeWholePackets({ _protocol: protocol, _sock: socket }: LibraryConnection): void {
  const write = protocol._onWrite;
  let isWaiting = false;
  protocol._onWrite = (bytes) => {
    if (!isWaiting) {
      isWaiting = true;
      socket.cork();
      queueMicrotask(() => {
        isWaiting = false;
        socket.uncork();
      });
    }
    write(bytes);
  };
}
