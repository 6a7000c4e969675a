/**
 * Addresses to listen on.
 *
 * @module
 */
import { isIP } from "node:net";

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Whether only this machine can reach it. */
  readonly isLoopback: boolean;
}

/** Reads `host:port`, an IPv6 host in brackets; `undefined` when it is neither. Names other than `localhost` do not count. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, inBrackets, plain = "", digits] = match;
  const host = inBrackets ?? plain;
  const port = Number(digits);
  if (port > 65_535) return undefined;
  if (host === "localhost") return { host: "127.0.0.1", port, isLoopback: true };
  if (isIP(host) !== (inBrackets === undefined ? 4 : 6)) return undefined;
  return { host, port, isLoopback: host.startsWith("127.") || host === "::1" };
}

/** Writes an address as it is read. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
