/**
 * Which TCP ports somebody listens on, from Linux's `/proc/net`.
 *
 * @module
 */

/** A port with a server behind it. */
export interface ListeningPort {
  readonly port: number;
  /** How the server is reached from here. An IPv6 address is in brackets. */
  readonly host: "127.0.0.1" | "[::1]";
  /** Whether only this machine reaches it. */
  readonly isLocal: boolean;
}

/** `st` of a listening socket, include/net/tcp_states.h. */
const LISTEN = "0A";
const IPV4_LOOPBACK = /^......7F$/; // 127.0.0.0/8, in the byte order of x86 and ARM.
const IPV6_LOOPBACK = "00000000000000000000000001000000";
const ANY = /^0+$/;

/** Reads both tables; one that is not there has nobody listening. */
export async function listeningPorts(read: (path: string) => Promise<string>): Promise<readonly ListeningPort[]> {
  const [four, six] = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((path) => read(path).catch(() => "")));
  const found = new Map<number, ListeningPort>();
  // IPv4 wins where both are there: every client has it.
  for (const entry of [...parseTable(six!, "[::1]"), ...parseTable(four!, "127.0.0.1")]) found.set(entry.port, entry);
  return [...found.values()].sort((a, b) => a.port - b.port);
}

/** The listening sockets of one table that are reached over loopback. */
export function parseTable(table: string, host: ListeningPort["host"]): readonly ListeningPort[] {
  return table.split("\n").slice(1).flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    const isLoopback = host === "[::1]" ? address === IPV6_LOOPBACK : IPV4_LOOPBACK.test(address);
    if (state !== LISTEN || !(isLoopback || ANY.test(address))) return [];
    return [{ port: parseInt(port, 16), host, isLocal: isLoopback }];
  });
}
