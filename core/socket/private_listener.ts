/**
 * A Unix listener for whatever protocol a plugin speaks.
 *
 * @module
 */
import { acceptAll } from "./accept_all.ts";
import { bindPrivately, infoOf, prepareSocketPath, removeSameFile } from "./unix_path.ts";

/** A listener that only the agent's user can reach. */
export interface PrivateListener {
  readonly path: string;
  /** Listens anew at the path, whose file somebody removed. Connections stay. */
  restore(): Promise<void>;
  /** Stops accepting, aborts and closes every connection, waits for their `accept` calls and removes the file. */
  close(): Promise<void>;
}
/** Takes one connection. It is closed when the promise settles; the signal aborts when the listener closes. */
export type AcceptConnection = (connection: Deno.UnixConn, signal: AbortSignal) => Promise<void>;

/**
 * Listens at `path` with mode 0600. A missing directory is made with mode 0700; the file of a dead server is replaced.
 *
 * @param failed Told what `accept` throws, and why connections cannot be accepted for a while.
 * @throws {Deno.errors.AddrInUse} When a server answers at `path`.
 * @throws {Deno.errors.AlreadyExists} When `path` is something else than a socket.
 */
export async function listenPrivately(
  path: string,
  accept: AcceptConnection,
  failed: (error: unknown) => void,
): Promise<PrivateListener> {
  const abort = new AbortController();
  const connections = new Map<Deno.UnixConn, Promise<void>>();

  async function serve(connection: Deno.UnixConn): Promise<void> {
    try {
      await accept(connection, abort.signal);
    } catch (error) {
      // Closing cuts connections in the middle of their work; that is no fault of theirs.
      if (!abort.signal.aborted) failed(error);
    } finally {
      connections.delete(connection);
      closeQuietly(connection);
    }
  }
  const served = (connection: Deno.UnixConn) => [connection, serve(connection)] as const;
  async function open(): Promise<{ close(): Promise<void> }> {
    await prepareSocketPath(path);
    const listener = bindPrivately(path, () => Deno.listen({ transport: "unix", path }));
    const accepting = acceptAll(listener, (connection) => connections.set(...served(connection)), failed);
    const file = await infoOf(path);
    return {
      async close() {
        listener.close();
        await accepting;
        await removeSameFile(path, file);
      },
    };
  }
  const opened = [await open()];

  let closing: Promise<void> | undefined;
  async function closeAll(): Promise<void> {
    abort.abort(new DOMException("The listener is closed", "AbortError"));
    await restoring;
    await Promise.all(opened.map((each) => each.close()));
    const ending = [...connections];
    for (const [connection] of ending) closeQuietly(connection);
    await Promise.all(ending.map(([, served]) => served));
  }
  // The old ones stay open, deaf, until the end: the runtime removes the file at the path when it closes one, whosesoever it is.
  const reopen = async () => void opened.push(await open());
  let restoring: Promise<void> | undefined;
  return {
    path,
    restore: () => {
      if (closing !== undefined) return Promise.resolve();
      const attempt = reopen();
      restoring = attempt.catch(() => {}); // Whoever asked for it hears why.
      return attempt;
    },
    close: () => closing ??= closeAll(),
  };
}

function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // Closed already, by its handler.
  }
}
