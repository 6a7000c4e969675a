/**
 * A TCP listener for SSH.
 *
 * @module
 */
import { createServer, type Socket } from "node:net";

import { formatAddress, type ListenAddress } from "./listen_address.ts";

/** A listener that accepts. */
export interface TcpListener extends AsyncDisposable {
  /** Where it listens, with the port that was bound. */
  readonly address: string;
}

/**
 * Listens on `address` and hands over each connection.
 *
 * @throws {Error} When the address cannot be bound; the message names it.
 */
export async function listenTcp({ host, port }: ListenAddress, accept: (socket: Socket) => void): Promise<TcpListener> {
  const server = createServer({ noDelay: true, keepAlive: true }, accept);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(new Error(`Cannot listen for SSH on ${formatAddress(host, port)}: ${error.message}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new TypeError("A TCP listener has no address");
  return {
    address: formatAddress(bound.address, bound.port),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
