/**
 * Addresses to listen on.
 *
 * @module
 */
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
  if (!(inBrackets === undefined ? isIpv4(host) : isIpv6(host))) return undefined;
  return { host, port, isLoopback: host.startsWith("127.") || host === "::1" };
}

function isIpv4(host: string): boolean {
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** A zone, as in `fe80::1%eth0`, is the system's affair. */
function isIpv6(host: string): boolean {
  return URL.canParse(`http://[${host.replace(/%.+$/, "")}]/`);
}

/** Writes an address as it is read. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
