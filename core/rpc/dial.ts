/**
 * Dials the control plane: WebSocket, version, yamux. Loads everything the connection needs, so import it when it is used.
 *
 * @module
 */
import { systemClock } from "../clock.ts";
import type { Clock } from "../plugin.ts";
import { type ApiVersion, formatVersion, SPOKEN_VERSIONS } from "./api_version.ts";
import type { ByteStream } from "./byte_stream.ts";
import { TOKEN_HEADER } from "./control_plane_fetch.ts";
import { DialError } from "./dial_error.ts";
import { type RpcLink, SessionLink } from "./link.ts";
import { dialWebSocket } from "./web_socket_dial.ts";
import { YamuxSession } from "./yamux/session.ts";

/** Where the control plane answers, under its address. */
export const RPC_PATH = "/api/v2/workspaceagents/me/rpc";
/** What {@linkcode Dialer} takes. */
export interface DialerOptions {
  /** Address of the control plane, `http:` or `https:`. */
  readonly url: string;
  /** The agent's token, asked for before each attempt; never logged and never part of the address. */
  readonly token: (signal: AbortSignal) => string | Promise<string>;
  /** `agent` makes the control plane watch the connection; anything else does not. Default `agent`. */
  readonly role?: string;
  /** Further headers, asked for before each attempt. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>;
  /** Takes streams the control plane opens. When present the agent says so, with `tunnel=1`. */
  readonly incoming?: (stream: ByteStream) => void;
  readonly clock?: Clock;
}

/** Dials again and again, and remembers which version was taken. */
export class Dialer {
  readonly #options: DialerOptions;
  #taken: ApiVersion | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /**
   * Connects with the newest version the control plane takes.
   *
   * @throws {DialError} When it refuses, cannot be reached, or takes none of our versions.
   */
  async dial(signal: AbortSignal): Promise<RpcLink> {
    const token = await this.#options.token(signal);
    const headers = { ...await this.#options.headers?.(), [TOKEN_HEADER]: token };
    let refused: unknown;
    let version: ApiVersion | undefined = SPOKEN_VERSIONS[0];
    for (; version !== undefined; version = this.#lower(version)) {
      try {
        const link = await this.#connect(version, headers, signal);
        this.#taken = version;
        return link;
      } catch (error) {
        if (!(error instanceof DialError && error.isVersionRefused)) throw error;
        refused = error;
      }
    }
    throw refused;
  }

  /** The version to try after `version` was refused: the one that was taken last time, if it is lower, else the next. */
  #lower(version: ApiVersion): ApiVersion | undefined {
    const lower = SPOKEN_VERSIONS.filter(({ minor }) => minor < version.minor);
    return lower.find(({ minor }) => minor === this.#taken?.minor) ?? lower[0];
  }

  async #connect(
    version: ApiVersion,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<RpcLink> {
    const { role = "agent", incoming, clock = systemClock } = this.#options;
    const url = rpcAddress(this.#options.url);
    url.searchParams.set("version", formatVersion(version));
    url.searchParams.set("role", role);
    if (incoming !== undefined) url.searchParams.set("tunnel", "1");
    const stream = await dialWebSocket({ url, headers, clock, signal });
    const session = new YamuxSession(stream, { role: "client", clock });
    return new SessionLink(session, version, incoming);
  }
}

/** The address of the RPC connection; a path in `base` is kept. @throws {DialError} When it is no address. */
function rpcAddress(base: string): URL {
  const url = URL.parse(base);
  if (url === null || !(url.protocol === "http:" || url.protocol === "https:")) {
    throw new DialError(`Cannot connect to "${base}": expected an address such as https://coder.example.org`);
  }
  url.pathname = url.pathname.replace(/\/+$/, "") + RPC_PATH;
  return url;
}
