/**
 * Opens the front on TCP and on a Unix socket, under `Deno.serve`.
 *
 * @module
 */
import { bindPrivately, prepareSocketPath } from "../socket/unix_path.ts";
import { upgradeOnDeno } from "./deno_web_socket.ts";
import { LastingServer } from "./lasting_server.ts";
import type { Connection, FrontDoor } from "./front_door.ts";

/** A listener that is open. */
export interface Listener {
  /** Where it listens: `http://127.0.0.1:4000`, or the path of the socket. */
  readonly address: string;
  /**
   * Stops accepting and lets requests in progress finish until `cut` aborts; then their connections are cut. Upgraded
   * WebSockets are not waited for: close them first.
   */
  close(cut?: AbortSignal): Promise<void>;
}

/** Where to listen on TCP. */
export interface TcpOptions {
  /** Default `127.0.0.1`. */
  readonly hostname?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Told when the listener was lost, with the reason, and when it is back. */
  readonly said?: (what: "lost" | "back", reason?: unknown) => void;
}

/** How to listen on a Unix socket. */
export interface UnixOptions {
  /** What the front is told; `"tunnel"` when what connects brings bytes of the control plane. Default `"unix"`. */
  readonly transport?: "unix" | "tunnel";
  /** Told why the listener was lost, for want of file descriptors for instance; the runtime then removes the file. */
  readonly lost?: (reason: unknown) => void;
}

/**
 * Listens on TCP and tells the front its address.
 *
 * @throws {Deno.errors.AddrInUse} When the port is taken.
 */
export function listenTcp(front: FrontDoor, options: TcpOptions): Listener {
  const { hostname = "127.0.0.1", port } = options;
  const cut = new AbortController();
  const serve = (port: number) =>
    Deno.serve(
      { hostname, port, signal: cut.signal, onListen() {}, onError: failedConnection },
      (request, { remoteAddr }) => front.fetch(request, new DenoConnection("tcp", remoteAddr)),
    );
  const first = serve(port);
  const { addr } = first;
  const server = new LastingServer(first, () => serve(addr.port), { cut: cut.signal, said: options.said });
  const address = `http://${addr.hostname.includes(":") ? `[${addr.hostname}]` : addr.hostname}:${addr.port}`;
  front.baseUrl = reachable(address);
  return { address, close: closer(server, cut) };
}

/**
 * Listens on a Unix socket with mode 0600: who can open it may do everything. A missing directory is made with mode 0700;
 * the file of a dead server is replaced.
 *
 * @throws {Deno.errors.AddrInUse} When a server answers at `path`.
 * @throws {Deno.errors.AlreadyExists} When `path` is something else than a socket.
 */
export async function listenUnix(
  front: FrontDoor,
  path: string,
  { transport = "unix", lost = () => {} }: UnixOptions = {},
): Promise<Listener> {
  await prepareSocketPath(path);
  const cut = new AbortController();
  const server = bindPrivately(path, () =>
    Deno.serve(
      { path, signal: cut.signal, onListen() {}, onError: failedConnection },
      (request) => front.fetch(request, PRIVATE_CONNECTIONS[transport]),
    ));
  const kept = {
    shutdown: () => server.shutdown().catch(() => {}), // Lost before: there is nothing to shut down.
    finished: server.finished.catch((reason) => lost(reason)),
  };
  return { address: path, close: closer(kept, cut) };
}

/** An address a browser on this machine can open: nobody can connect to "any address". */
export function reachable(address: string): string {
  return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

/** One per request, so its fields are read only when somebody asks. */
class DenoConnection implements Connection {
  readonly upgrade = upgradeOnDeno;
  readonly transport: "tcp" | "unix";
  readonly #address: Deno.NetAddr;

  constructor(transport: "tcp" | "unix", address: Deno.NetAddr) {
    this.transport = transport;
    this.#address = address;
  }

  get remote(): string {
    return `${this.#address.hostname}:${this.#address.port}`;
  }
}

const PRIVATE_CONNECTIONS: Readonly<Record<"unix" | "tunnel", Connection>> = Object.freeze({
  unix: Object.freeze({ transport: "unix", remote: "unix", upgrade: upgradeOnDeno }),
  tunnel: Object.freeze({ transport: "tunnel", remote: "control plane", upgrade: upgradeOnDeno }),
});

/** The front itself answers every error; what is left is a client that went away. */
function failedConnection(): Response {
  return new Response(null, { status: 500 });
}

function closer(server: Pick<Deno.HttpServer, "shutdown" | "finished">, abort: AbortController): Listener["close"] {
  let closing: Promise<void> | undefined;
  async function close(cut: AbortSignal | undefined): Promise<void> {
    const cutNow = () => abort.abort();
    if (cut?.aborted) cutNow();
    else cut?.addEventListener("abort", cutNow, { once: true });
    try {
      await Promise.race([server.shutdown(), server.finished]);
    } finally {
      cut?.removeEventListener("abort", cutNow);
    }
  }
  return (cut) => closing ??= close(cut);
}
