/**
 * Keeps web pages of other origins out: DNS rebinding shows in `Host`, cross-site requests show in `Origin`.
 *
 * @module
 */
import { HttpProblem } from "../errors.ts";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;
const HOST = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/;

/** Decides which names this server answers to. */
export class HostCheck {
  readonly #allowed: ReadonlySet<string>;

  /** @param hosts Names beside loopback, with a port (that port only) or without (any port). */
  constructor(hosts: readonly string[] = []) {
    this.#allowed = new Set(hosts.map((host) => host.toLowerCase()));
  }

  /** @throws {HttpProblem} 403 when `Host` is missing or names neither loopback nor a configured host. */
  checkHost(host: string | null): void {
    const name = HOST.exec(host ?? "")?.[1];
    if (name && (LOOPBACK.test(name) || this.#allowed.has(name.toLowerCase()))) return;
    if (name && this.#allowed.has(host!.toLowerCase())) return;
    throw new HttpProblem(403, "Host is not allowed", {
      code: "forbidden_host",
      detail: `Host is "${host ?? ""}": use a loopback address or add the name to the configured hosts`,
    });
  }

  /**
   * A request without `Origin` comes from no web page, or is a plain same-origin or top-level navigation.
   *
   * @throws {HttpProblem} 403 when the request comes from a page of another host or port.
   */
  checkOrigin(origin: string | null, host: string | null): void {
    if (origin === null || isSameHost(origin, host)) return;
    throw new HttpProblem(403, "Origin is not allowed", {
      code: "forbidden_origin",
      detail: `Origin is "${origin}": only pages of this server may call it`,
    });
  }
}

/** Whether `origin` is a page served under `host`. */
export function isSameHost(origin: string, host: string | null): boolean {
  if (!host || !URL.canParse(origin)) return false;
  const { protocol, host: from } = new URL(origin);
  return (protocol === "http:" || protocol === "https:") && from === new URL(`${protocol}//${host}`).host;
}
