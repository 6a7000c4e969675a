/**
 * A listener of one plugin, beside the front: plain HTTP for what everybody on this machine may ask.
 *
 * @module
 */
import type { Awaitable } from "../plugin.ts";
import { bindPatiently } from "../socket/bind_patiently.ts";
import { HostCheck } from "./host_check.ts";
import { LastingServer } from "./lasting_server.ts";
import type { Listener } from "./listeners.ts";
import { problemResponse } from "./problem.ts";

/** What {@linkcode openSideListener} takes. */
export interface SideListenerOptions {
  /** Names accepted in `Host` beside loopback. */
  readonly hosts: readonly string[];
  readonly answer: (request: Request) => Awaitable<Response>;
  /** Hears what `answer` throws, and why connections cannot be accepted for a while. */
  readonly failed: (error: unknown) => void;
  /** Ends the wait for a port that is taken. */
  readonly signal?: AbortSignal;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

/**
 * Listens. On loopback a `Host` of elsewhere is refused, so that no web page reads the answers by DNS rebinding; on any other address who can
 * reach it may read it anyway.
 *
 * @param address `HOST:PORT`; an IPv6 host is in brackets, port 0 takes a free one.
 * @throws {TypeError} When `address` is none.
 * @throws {Deno.errors.AddrInUse} When the port is taken, for a second or longer.
 */
export async function openSideListener(
  address: string,
  { hosts, answer, failed, signal }: SideListenerOptions,
): Promise<Listener> {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const hostname = bracketed ?? plain;
  if (hostname === undefined || Number(port) > 65_535) {
    throw new TypeError(`Cannot listen on "${address}": expected HOST:PORT, such as 127.0.0.1:2112`);
  }
  const check = LOOPBACK.test(hostname) ? new HostCheck(hosts) : undefined;
  const cut = new AbortController();
  async function handle(request: Request): Promise<Response> {
    try {
      check?.checkHost(request.headers.get("host"));
    } catch (error) {
      return problemResponse(error, {});
    }
    try {
      return await answer(request);
    } catch (error) {
      failed(error);
      return problemResponse(error, {});
    }
  }
  const serve = (port: number) => Deno.serve({ hostname, port, signal: cut.signal, onListen() {} }, handle);
  const first = await bindPatiently(() => serve(Number(port)), { signal });
  const { addr } = first;
  const server = new LastingServer(first, () => serve(addr.port), {
    cut: cut.signal,
    said: (what, reason) => {
      if (what === "lost") failed(reason);
    },
  });
  return {
    address: `http://${addr.hostname.includes(":") ? `[${addr.hostname}]` : addr.hostname}:${addr.port}`,
    // Nobody's work hangs on these answers: what is under way is cut.
    close: async () => {
      cut.abort();
      await server.finished;
    },
  };
}
