/**
 * How requests reach an agent. The standard one uses `fetch` and `WebSocket`, which every platform has.
 *
 * @module
 */

/** Carries requests to one agent. */
export interface Transport {
  /** `path` starts with `/`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Opens a WebSocket; absent when the transport cannot. The socket may still be connecting. */
  webSocket?(path: string): WebSocket;
}

/** Where an agent answers on TCP. */
export interface HttpOptions {
  /** Such as `http://127.0.0.1:4000`. Default: the page's own origin, in a browser with a session. */
  readonly baseUrl?: string | URL;
  /** The API token. Pages with a session need none. */
  readonly token?: string;
  /**
   * Makes a WebSocket that sends `headers`. Default: the platform's own class, which takes headers on Deno and on Node from
   * 22 on. Node 20 has no such class: pass `(url, headers) => new WebSocket(url, { headers })` with the class of the package
   * `ws`.
   */
  readonly webSocket?: (url: string, headers: Readonly<Record<string, string>>) => WebSocket;
}

/** Reaches an agent on TCP. */
export function httpTransport(options: HttpOptions = {}): Transport {
  const base = baseOf(options);
  const authorization: Record<string, string> = options.token === undefined
    ? {}
    : { authorization: `Bearer ${options.token}` };
  const open = options.webSocket ?? openWebSocket;
  return {
    fetch(path, init = {}) {
      const headers = new Headers(init.headers);
      for (const [name, value] of Object.entries(authorization)) headers.set(name, value);
      return fetch(new URL(path, base), { ...init, headers });
    },
    webSocket(path) {
      const url = new URL(path, base);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      return open(url.href, authorization);
    },
  };
}

function baseOf({ baseUrl }: HttpOptions): URL {
  if (baseUrl !== undefined) return new URL(baseUrl);
  const page = (globalThis as { readonly location?: { readonly origin: string } }).location;
  if (page === undefined) throw new TypeError("Cannot find the agent: baseUrl is needed outside of a browser");
  return new URL(page.origin);
}

function openWebSocket(url: string, headers: Readonly<Record<string, string>>): WebSocket {
  if (typeof WebSocket !== "function") {
    throw new TypeError("Cannot open a WebSocket: this platform has none, so pass one as the option webSocket");
  }
  if (Object.keys(headers).length === 0) return new WebSocket(url);
  const WithHeaders = WebSocket as unknown as new (url: string, options: unknown) => WebSocket;
  return new WithHeaders(url, { headers });
}
