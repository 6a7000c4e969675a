/**
 * The client side of a WebSocket, for tests.
 *
 * @module
 */

/** How a socket was closed. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A connected WebSocket: messages one by one, and how it ended. */
export interface TestSocket {
  send(message: string | Uint8Array<ArrayBuffer>): void;
  /** The next message. @throws {Error} If the socket closes first. */
  next(): Promise<string | Uint8Array>;
  /** The next message, parsed as JSON. */
  nextJson(): Promise<unknown>;
  close(code?: number, reason?: string): void;
  /** Resolves when nothing of the socket is left. */
  readonly closed: Promise<Closing>;
}

/** Connects to `path` of the agent behind a Unix socket. @throws {Error} If the upgrade is refused. */
export async function openTestSocket(
  unixPath: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestSocket> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: unixPath } });
  const socket = new WebSocket(new URL(path, "ws://localhost"), { headers, client });
  socket.binaryType = "arraybuffer";
  const messages: (string | Uint8Array)[] = [];
  const waiting: { resolve(message: string | Uint8Array): void; reject(error: Error): void }[] = [];
  const closed = Promise.withResolvers<Closing>();
  const opened = Promise.withResolvers<void>();
  let closing: Closing | undefined;
  socket.onopen = () => opened.resolve();
  socket.onerror = (event) => opened.reject(new Error(`Cannot open "${path}": ${(event as ErrorEvent).message}`));
  socket.onmessage = ({ data }) => {
    const message = typeof data === "string" ? data : new Uint8Array(data);
    const reader = waiting.shift();
    if (reader === undefined) messages.push(message);
    else reader.resolve(message);
  };
  socket.onclose = ({ code, reason }) => {
    if (closing !== undefined) return;
    closing = { code, reason };
    client.close();
    for (const reader of waiting.splice(0)) reader.reject(closedError(closing));
    closed.resolve(closing);
  };
  try {
    await opened.promise;
  } catch (error) {
    if (closing === undefined) await closed.promise;
    throw error;
  }

  async function next(): Promise<string | Uint8Array> {
    const message = messages.shift();
    if (message !== undefined) return message;
    if (closing !== undefined) throw closedError(closing);
    return await new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  }
  return {
    send: (message) => socket.send(message),
    next,
    nextJson: async () => JSON.parse(String(await next())),
    close: (code, reason) => socket.close(code, reason),
    closed: closed.promise,
  };
}

function closedError({ code, reason }: Closing): Error {
  return new Error(`The socket was closed with ${code} ${JSON.stringify(reason)}`);
}
