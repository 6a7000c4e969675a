/**
 * Which TCP ports programs of this machine listen on, from Linux's `/proc`.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import type { Clock } from "../../core/plugin.ts";

/** A port that somebody listens on. */
export interface ListeningPort {
  readonly port: number;
  /** Name of the program, cut to 15 characters by the kernel; empty when it belongs to another user. */
  readonly processName: string;
  /** Number of the process; absent when it belongs to another user. */
  readonly pid?: number;
}

/** What {@linkcode scanListeningPorts} looks at. */
export interface PortScanOptions {
  /** Default `/proc`. */
  readonly root?: string;
  readonly includeIpv6: boolean;
}

/** State of a listening socket in the kernel's tables (`include/net/tcp_states.h`). */
const LISTEN = "0A";

/**
 * Every listening port once, in the order of the kernel's tables.
 *
 * @throws {Error} When the table of sockets cannot be read.
 */
export async function scanListeningPorts({ root = "/proc", includeIpv6 }: PortScanOptions): Promise<ListeningPort[]> {
  const tables = [await Deno.readTextFile(`${root}/net/tcp`)];
  if (includeIpv6) tables.push(await readText(`${root}/net/tcp6`)); // Missing where IPv6 is switched off.
  const inodes = new Map<number, string>();
  for (const { port, inode } of tables.flatMap(listeners)) if (!inodes.has(port)) inodes.set(port, inode);
  const owners = await ownersOf(new Set(inodes.values()), root);
  return [...inodes].map(([port, inode]) => ({ port, processName: "", ...owners.get(inode) }));
}

/** Listening sockets of one table. Its lines are described in `Documentation/networking/proc_net_tcp.rst` of Linux. */
export function listeners(table: string): readonly { readonly port: number; readonly inode: string }[] {
  return table.split("\n").slice(1).flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16);
    return state === LISTEN && port > 0 ? [{ port, inode }] : [];
  });
}

interface Owner {
  readonly pid: number;
  readonly processName: string;
}

/** Looks through the open files of all processes until every socket has been found. */
async function ownersOf(inodes: ReadonlySet<string>, root: string): Promise<ReadonlyMap<string, Owner>> {
  const missing = new Set(inodes);
  const owners = new Map<string, Owner>();
  for (const entry of await names(root)) {
    if (missing.size === 0) break;
    if (!/^\d+$/.test(entry)) continue;
    for (const inode of await socketsOf(`${root}/${entry}/fd`)) {
      if (!missing.delete(inode)) continue;
      owners.set(inode, { pid: Number(entry), processName: (await readText(`${root}/${entry}/comm`)).trim() });
    }
  }
  return owners;
}

async function socketsOf(directory: string): Promise<readonly string[]> {
  const links = await Promise.all(
    (await names(directory)).map((name) => Deno.readLink(`${directory}/${name}`).catch(() => "")), // Closed meanwhile.
  );
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

async function names(directory: string): Promise<readonly string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
  } catch {
    // The process has ended, or belongs to another user.
    return [];
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    // As above.
    return "";
  }
}

/** Remembers a scan for a while, and lets whoever asks during one wait for it. */
export class PortCache {
  readonly #options: { readonly clock: Clock; readonly cacheMs: number; readonly scan: () => Promise<ListeningPort[]> };
  #last: { readonly until: number; readonly ports: Promise<ListeningPort[]> } | undefined;

  constructor(options: {
    readonly clock: Clock;
    /** Time a scan is used again, in milliseconds. */
    readonly cacheMs: number;
    readonly scan: () => Promise<ListeningPort[]>;
  }) {
    this.#options = options;
  }

  /** @throws What the scan throws; a failed one is not remembered. */
  ports(): Promise<ListeningPort[]> {
    const { clock, cacheMs, scan } = this.#options;
    const now = elapsedOn(clock);
    if (this.#last !== undefined && now < this.#last.until) return this.#last.ports;
    const ports = scan();
    const last = this.#last = { until: now + cacheMs, ports };
    ports.catch(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return ports;
  }
}
