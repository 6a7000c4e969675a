/**
 * Holds clients to the flow control they agreed to.
 *
 * The library counts what a client sends into a negative window and keeps all of it in memory, drops what comes at a window of
 * exactly zero, and never ends sending to a client that takes packets of no bytes.
 *
 * @module
 */
import type { LibraryChannel, LibraryConnection, LibrarySession } from "./ssh2_shape.ts";

/**
 * Smallest packet a client may want, in bytes. Every server has to take 32,768 (RFC 4254, 5.2), and clients ask for no less
 * than 16,384; each packet costs a turn of the cipher, so that tiny ones would keep the agent from everything else.
 */
const MIN_PACKET_BYTES = 256;

interface OpenedEnd {
  readonly packetSize: number;
}

/** Watches a connection. @param cut Told of the first breach; has to end the connection. */
export function guardFlow(library: LibraryConnection, cut: (breach: Error) => void): void {
  const { _handlers: handlers } = library._protocol;
  const data = handlers.CHANNEL_DATA!;
  handlers.CHANNEL_DATA = (self, recipient: number, bytes: Uint8Array) => {
    const entry = library._chanMgr.get(recipient) as LibrarySession | LibraryChannel | undefined;
    const window = windowOf(entry);
    if (window !== undefined && bytes.length > window) {
      return cut(new RangeError(`The client sent ${bytes.length} bytes into a window of ${window}`));
    }
    data(self, recipient, bytes);
  };
  for (const name of ["CHANNEL_OPEN", "CHANNEL_OPEN_CONFIRMATION"] as const) {
    const opened = handlers[name]!;
    handlers[name] = (self, info: OpenedEnd) => {
      if (info.packetSize >= MIN_PACKET_BYTES) return opened(self, info);
      cut(new RangeError(`The client takes packets of ${info.packetSize} bytes, the least is ${MIN_PACKET_BYTES}`));
    };
  }
}

/** Bytes the client may send on a channel now; `undefined` when there is no channel yet, or none any more. */
function windowOf(entry: LibrarySession | LibraryChannel | undefined): number | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  return "incoming" in entry ? entry.incoming.window : (entry as LibrarySession)._channel?.incoming.window;
}
