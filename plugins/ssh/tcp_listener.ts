/**
 * A TCP listener for SSH.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import { acceptAll } from "../../core/socket/accept_all.ts";
import { bindPatiently } from "../../core/socket/bind_patiently.ts";
import { formatAddress, type ListenAddress } from "./listen_address.ts";

/** A listener that accepts. */
export interface TcpListener extends AsyncDisposable {
  /** Where it listens, with the port that was bound. */
  readonly address: string;
}

/** What {@linkcode listenTcp} takes. */
export interface TcpListenerOptions {
  readonly accept: (connection: Deno.TcpConn) => void;
  /** Told why connections cannot be accepted for a while. */
  readonly failed: (error: unknown) => void;
  /** Ends the wait for an address that is taken. */
  readonly signal?: AbortSignal;
}

/**
 * Listens on `address` and hands over each connection. Not with `node:net`: under Deno such a server hears nobody any more once a
 * connection could not be accepted for want of file descriptors (seen with 2.9.6).
 *
 * @throws {Error} When the address cannot be bound, or is taken for a second or longer; the message names it.
 */
export async function listenTcp(
  { host, port }: ListenAddress,
  { accept, failed, signal }: TcpListenerOptions,
): Promise<TcpListener> {
  let listener: Deno.TcpListener;
  try {
    listener = await bindPatiently(() => Deno.listen({ hostname: host, port }), { signal });
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
