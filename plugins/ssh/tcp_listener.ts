/**
 * A TCP listener for SSH.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import { acceptAll } from "../../core/socket/accept_all.ts";
import { formatAddress, type ListenAddress } from "./listen_address.ts";

/** A listener that accepts. */
export interface TcpListener extends AsyncDisposable {
  /** Where it listens, with the port that was bound. */
  readonly address: string;
}

/**
 * Listens on `address` and hands over each connection. Not with `node:net`: under Deno such a server hears nobody any more once a
 * connection could not be accepted for want of file descriptors (seen with 2.9.6).
 *
 * @param failed Told why connections cannot be accepted for a while.
 * @throws {Error} When the address cannot be bound; the message names it.
 */
export function listenTcp(
  { host, port }: ListenAddress,
  accept: (connection: Deno.TcpConn) => void,
  failed: (error: unknown) => void,
): TcpListener {
  let listener: Deno.TcpListener;
  try {
    listener = Deno.listen({ hostname: host, port });
  } catch (error) {
    throw new Error(`Cannot listen for SSH on ${formatAddress(host, port)}: ${messageOf(error)}`, { cause: error });
  }
  const accepting = acceptAll(listener, (connection) => {
    try {
      // Keystrokes must not wait for each other, and a client that vanished should be noticed some day.
      connection.setNoDelay(true);
      connection.setKeepAlive(true);
    } catch {
      return connection.close(); // It was gone before it was accepted; some systems say so here.
    }
    accept(connection);
  }, failed);
  const { hostname, port: bound } = listener.addr;
  return {
    address: formatAddress(hostname, bound),
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
    },
  };
}
